import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";

import { AppError } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

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

  /** Replaces all lines by these. @throws if the lines are as before, or `broken` has aborted */
  replace(lines: string): void {
    replaceFile(this.#file, lines);
    const before = this.#descriptor;
    try {
      this.#descriptor = openSync(this.#file, "a", 0o600);
    } catch (error) {
      // What would be appended now would be in no file.
      this.#broken.abort();
      throw error;
    }
    this.#bytes = Buffer.byteLength(lines);
    closeSync(before);
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
