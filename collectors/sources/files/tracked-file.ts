import { open, type FileHandle } from "node:fs/promises";

import type { SourceId } from "#collectors/source.ts";

import { plainReader, type ByteReader } from "./byte-reader.ts";
import { CompressedReader, compressionOf, type Compression } from "./compressed.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { FoundFile } from "./scan.ts";

/** A logical log that continues across renames. */
export type Stream = {
  id: SourceId;
  fingerprint: Fingerprint;
  /** The file in which it is currently read. */
  holder: TrackedFile | undefined;
};

export type FileState =
  /** Its stream is not identified yet. */
  | "new"
  | "reading"
  /** Contains only what another file of the same stream contains too. */
  | "copy"
  /** Contains the beginning of a stream that was read further: it may be a copy that is still growing. */
  | "short"
  | "done"
  /** Another process reads it. */
  | "claimed"
  | "failed";

/** One file, identified by device and inode, with its open handles. */
export class TrackedFile {
  path: string;
  readonly key: string;
  compression: Compression | undefined;
  state: FileState = "new";
  stream: Stream | undefined;
  /** Why it cannot be read completely, and what to do. */
  problem: string | undefined;
  size: number;
  mtimeMs: number;
  /** To be checked: it changed, or something that it depends on did. */
  isDirty = true;
  /** It was rotated or deleted: it ends when it is quiet. */
  isRotated = false;
  /** It has no path any more. */
  isDeleted = false;
  /** Quiet for so long that its unterminated last line counts. */
  isComplete = false;
  changedMs: number;
  /** Streams that this file contained before it was truncated. */
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

  /** A compressed file with this seal was read to its end: it need not be decompressed again. */
  get seal(): string {
    return `${this.size}:${this.mtimeMs}`;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** It was renamed: its writer continues in another file. */
  moveTo(path: string): void {
    this.path = path;
    this.isRotated = true;
    const compression = compressionOf(path);
    if (compression === this.compression) return;
    this.rewind();
    this.compression = compression;
    this.state = "new";
    this.isDirty = true;
  }

  /** False if the path now refers to another file. */
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

  /** The reader of the open file. A compressed one only reads forward: `rewind` first to read again. */
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
