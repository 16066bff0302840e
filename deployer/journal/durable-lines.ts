import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";

import { AppError } from "#platform/errors.ts";

type Replacing = { confirm: () => Promise<boolean>; sync: () => void };

/** A file to which lines are appended, each on the disk when `append` returns. */
export class DurableLines {
  readonly #file: string;
  #descriptor: number;
  readonly #broken = new AbortController();
  #bytes: number;
  #isOpen = true;

  /** `bytes`: where the complete lines of the file end; undefined: all are complete. */
  constructor(file: string, bytes: number | undefined) {
    this.#file = file;
    this.#descriptor = openSync(file, "a", 0o600);
    if (bytes !== undefined) ftruncateSync(this.#descriptor, bytes);
    this.#bytes = bytes ?? fstatSync(this.#descriptor).size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Aborts when it is not known what the disk has. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** @throws AppError unavailable; nothing was appended, or `broken` has aborted */
  append(line: string): void {
    // The number of a closed descriptor may be that of another file or socket by now.
    if (this.#broken.signal.aborted) {
      throw new AppError("unavailable", "The journal of deploys was closed.");
    }
    const bytes = Buffer.from(line);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      fsyncSync(this.#descriptor);
      this.#bytes += bytes.length;
    } catch (cause) {
      this.#removeRest();
      throw new AppError("unavailable", "The journal of deploys cannot be written.", { cause });
    }
  }

  /**
   * Replaces all lines by these, unless others are appended in the meantime, or `confirm` denies right before it that
   * this process is the writer. `sync` makes the new name of the file durable.
   * @throws if the lines are as before, or `broken` has aborted
   */
  async replace(lines: string, { confirm, sync }: Replacing): Promise<void> {
    const bytes = this.#bytes;
    const draft = `${this.#file}.${randomUUID()}.new`;
    const descriptor = openSync(draft, "ax", 0o600);
    try {
      writeFileSync(descriptor, lines);
      fsyncSync(descriptor);
      const isWriter = (await confirm()) && !this.#broken.signal.aborted;
      if (!isWriter || this.#bytes !== bytes || this.#hasOtherLines()) {
        throw new AppError("conflict", "The journal of deploys has changed.");
      }
      renameSync(draft, this.#file);
    } catch (error) {
      closeSync(descriptor);
      rmSync(draft, { force: true });
      throw error;
    }
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#bytes = Buffer.byteLength(lines);
    try {
      sync();
    } catch (error) {
      // After a crash the disk may have either file.
      this.#broken.abort();
      throw error;
    }
  }

  /** Whether the file has lines of another writer, or is another one. */
  #hasOtherLines(): boolean {
    const [there, own] = [statSync(this.#file), fstatSync(this.#descriptor)];
    return there.ino !== own.ino || there.dev !== own.dev || own.size !== this.#bytes;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#broken.abort();
    closeSync(this.#descriptor);
  }

  /** Removes a part of a line, so that the next one is readable. */
  #removeRest(): void {
    try {
      ftruncateSync(this.#descriptor, this.#bytes);
      fsyncSync(this.#descriptor);
    } catch {
      this.#broken.abort();
    }
  }
}
