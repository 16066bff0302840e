import { open, type FileHandle } from "node:fs/promises";

import type { SourceId } from "#collectors/source.ts";

import { plainReader, type ByteReader } from "./byte-reader.ts";
import { CompressedReader, compressionOf, type Compression } from "./compressed.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { FoundFile } from "./scan.ts";

/** A logical log: what goes on under whatever name. */
export type Stream = {
  id: SourceId;
  print: Fingerprint;
  /** The file in which it is read now. */
  holder: TrackedFile | undefined;
};

export type FileState =
  /** Not known yet whose content it has. */
  | "new"
  | "reading"
  /** Has only what another file of the same stream has too. */
  | "copy"
  /** Has the beginning of a stream that was read further: it may still be growing into its copy. */
  | "short"
  | "done"
  /** Another process reads it. */
  | "claimed"
  | "failed";

/** One file, known by its device and inode, with what is open of it. */
export class TrackedFile {
  path: string;
  readonly key: string;
  compression: Compression | undefined;
  state: FileState = "new";
  stream: Stream | undefined;
  /** Why it cannot be read, or not wholly, and what to do. */
  problem: string | undefined;
  size: number;
  mtimeMs: number;
  /** Worth a look: it changed, or what it depends on did. */
  isDirty = true;
  /** Its writer has gone on to another file, or it is gone itself: it ends when it is quiet. */
  isLeft = false;
  /** No path leads to it any more. */
  isGone = false;
  /** Quiet for so long that its last line is one, though nothing ends it. */
  isComplete = false;
  changedMs: number;
  /** Streams that this file held before it was truncated. */
  readonly formerIds = new Set<SourceId>();
  #handle: FileHandle | undefined;
  #reader: ByteReader | undefined;

  constructor(found: FoundFile, nowMs: number) {
    this.path = found.path;
    this.key = found.key;
    this.size = found.size;
    this.mtimeMs = found.mtimeMs;
    this.compression = compressionOf(found.path);
    this.changedMs = nowMs;
  }

  /** A compressed file with this seal is the one that was read to its end, without unpacking it again. */
  get seal(): string {
    return `${this.size}:${this.mtimeMs}`;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** It was renamed: its writer goes on to another file. */
  moveTo(path: string): void {
    this.path = path;
    this.isLeft = true;
    const compression = compressionOf(path);
    if (compression === this.compression) return;
    this.rewind();
    this.compression = compression;
    this.state = "new";
    this.isDirty = true;
  }

  /** False when the path leads to another file by now. */
  async open(): Promise<boolean> {
    if (this.#handle) return true;
    const handle = await open(this.path, "r");
    const { dev, ino } = await handle.stat();
    if (`${dev}:${ino}` !== this.key) {
      await handle.close();
      return false;
    }
    this.#handle = handle;
    return true;
  }

  /** Updates size and time; true when they changed. */
  async refresh(): Promise<boolean> {
    if (!this.#handle) return false;
    const { size, mtimeMs } = await this.#handle.stat();
    const changed = size !== this.size || mtimeMs !== this.mtimeMs;
    this.size = size;
    this.mtimeMs = mtimeMs;
    return changed;
  }

  /** The reader of the open file. A compressed one goes only forward: `rewind` first, to read again. */
  reader(): ByteReader {
    if (!this.#handle) throw new Error(`${this.path} is not open`);
    this.#reader ??= this.compression
      ? new CompressedReader(this.#handle, this.compression)
      : plainReader(this.#handle);
    return this.#reader;
  }

  rewind(): void {
    if (this.#reader instanceof CompressedReader) this.#reader.close();
    this.#reader = undefined;
  }

  async close(): Promise<void> {
    this.rewind();
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
