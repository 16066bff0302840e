import { open, type FileHandle } from "node:fs/promises";

import type { SourceId } from "#collectors/source.ts";

import { plainReader, type ByteReader } from "./byte-reader.ts";
import { CompressedReader } from "./compressed.ts";
import { compressionIn, compressionOf, KIND_BYTES, type Compression } from "./file-kind.ts";
import { type Fingerprint, readRange } from "./fingerprint.ts";
import { type AfterNuls, beginsWithNuls, type NulRun, readNuls } from "./nuls.ts";
import type { FoundFile } from "./scan.ts";

/** A logical log that continues across renames. */
export type Stream = {
  id: SourceId;
  fingerprint: Fingerprint;
  /** The file from which it is currently read. */
  holder: TrackedFile | undefined;
};

/** What a file was found to contain. */
export type Identity =
  /** Too little is written yet to identify its stream. */
  | { state: "new"; stream?: undefined }
  /** Must be read as this stream, from the offset of its fingerprint on. */
  | { state: "reading"; stream: Stream }
  /** Contains only what the stream's holder contains too. */
  | { state: "copy"; stream: Stream }
  /** Contains only the beginning of what was read of the stream: it may be a copy that is still growing. */
  | { state: "short"; stream: Stream }
  /** This compressed file was read to its end before. */
  | { state: "done"; stream?: undefined }
  /** Another process reads the stream. */
  | { state: "claimed"; stream: Stream };

/**
 * In its turn, a file is read if it is `reading`, otherwise it is identified, which results in any of the states. It
 * has a turn when it changed or has more to read, when the stream that it is a copy of lost its holder, and after each
 * scan if it is `claimed` or `failed`. In addition, the state changes
 *
 * | from    | to     | when                                                                                     |
 * | ------- | ------ | ---------------------------------------------------------------------------------------- |
 * | reading | new    | what was read is not in the file any more, or the file is compressed and changed         |
 * | reading | copy   | another file contains it and more, and becomes the holder                                |
 * | any     | new    | the file was renamed and its new name has another compression                            |
 * | others  | failed | a turn failed; a file that is `reading` stays so, as its read position is still known    |
 *
 * A file that is `reading` is the holder of its stream, and may stay it as `new` or `failed` until it is identified
 * again.
 */
export type FileState = Identity["state"] | "failed";

/** One file, identified by device and inode, with its open handles. */
export class TrackedFile {
  path: string;
  /** The path or pattern that matches it, or matched it before it was renamed. */
  pattern: string;
  readonly key: string;
  compression: Compression | undefined;
  /** The reason why it cannot be read completely, and what to do. */
  problem: string | undefined;
  size: number;
  mtimeMs: number;
  /** Whether the file has none of the paths any more that are read. */
  isDeleted = false;
  /** Whether it was found under another name while it was closed. */
  isMoved = false;
  /** Whether it is closed and has no path any more, so that it cannot be read. */
  isLost = false;
  /** Whether its present stream was read to the end of the file: what is read after that was appended since. */
  isCaughtUp = false;
  /** Streams that this file contained before it was truncated. */
  readonly formerIds = new Set<SourceId>();
  #state: FileState = "new";
  #stream: Stream | undefined;
  #needsTurn = true;
  #isRotated = false;
  #isComplete = false;
  #changedMs: number;
  #nuls: NulRun = { from: 0, to: 0 };
  #isInNuls = false;
  /** Sizes of runs of NULs that were skipped, by offset. */
  readonly #holes = new Map<number, number>();
  #handle: FileHandle | undefined;
  #reader: ByteReader | undefined;

  constructor(found: FoundFile, nowMs: number) {
    this.path = found.path;
    this.pattern = found.pattern;
    this.key = found.key;
    this.size = found.size;
    this.mtimeMs = found.mtimeMs;
    this.compression = compressionOf(found.path);
    this.#changedMs = nowMs;
  }

  /** Seal of a compressed file that was read to its end, so that it is not decompressed again. */
  get seal(): string {
    return `${this.size}:${this.mtimeMs}`;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  get state(): FileState {
    return this.#state;
  }

  get stream(): Stream | undefined {
    return this.#stream;
  }

  /** It changed, something that it depends on did, or there is more to read. */
  get needsTurn(): boolean {
    return this.#needsTurn;
  }

  /** It was renamed, or lost its stream to another file: it ends when it is quiet. */
  get isRotated(): boolean {
    return this.#isRotated;
  }

  /** Whether it was quiet for so long that its unterminated last line counts. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get changedMs(): number {
    return this.#changedMs;
  }

  requestTurn(): void {
    this.#needsTurn = true;
  }

  beginTurn(): void {
    this.#needsTurn = false;
  }

  /** The result of a turn. */
  identifyAs({ state, stream }: Identity): void {
    if (stream !== this.#stream) this.isCaughtUp = false;
    this.#state = state;
    this.#stream = stream;
  }

  /** A turn failed. A file that was not being read is identified again, as its stream may have another holder. */
  fail(problem: string): void {
    if (this.#state !== "reading") this.#state = "failed";
    this.problem = problem;
  }

  markChanged(nowMs: number): void {
    this.#needsTurn = true;
    this.#isComplete = false;
    this.#changedMs = nowMs;
    // Its inode may have been reused after a deletion: unlike a plain file, it is not compared while it is read.
    if (this.compression && this.#state === "reading") this.#state = "new";
  }

  markComplete(): void {
    this.#isComplete = true;
  }

  /** The holder of its stream was truncated or deleted, or has another stream now: this file may contain the rest. */
  markRotated(): void {
    this.#isRotated = true;
    this.#needsTurn = true;
  }

  /** Another file contains all of it and more, and is read from now on. */
  becomeCopy(): void {
    this.#state = "copy";
    this.#needsTurn = true;
  }

  /** It does not contain what was read of its stream any more: it is identified again, as any other stream. */
  detachTruncated(stream: Stream): void {
    this.formerIds.add(stream.id);
    this.#holes.clear();
    this.isCaughtUp = false;
    this.#state = "new";
    this.#stream = undefined;
    this.#needsTurn = true;
    this.#isComplete = false;
  }

  /** Marks it as rotated: its writer continues in another file. */
  moveTo(path: string): void {
    this.path = path;
    this.#isRotated = true;
    const compression = compressionOf(path);
    if (compression === this.compression) return;
    // Its first bytes decide when it is opened.
    this.rewind();
    this.compression = compression;
    this.#state = "new";
    this.#needsTurn = true;
  }

  /** False if the path now refers to another file. */
  async open(): Promise<boolean> {
    if (!this.#handle && !(await this.#openHandle())) return false;
    await this.#examineKind();
    return true;
  }

  async #openHandle(): Promise<boolean> {
    const handle = await open(this.path, "r");
    const { dev, ino } = await handle.stat();
    if (`${dev}:${ino}` !== this.key) {
      await handle.close();
      return false;
    }
    this.#handle = handle;
    return true;
  }

  /** Unless it was examined: before it is identified, since its content may contradict its name. */
  async #examineKind(): Promise<void> {
    if (this.#state === "reading" || !this.#handle) return;
    const first = Buffer.alloc(KIND_BYTES);
    const { bytesRead } = await this.#handle.read(first, 0, KIND_BYTES, 0);
    const compression = compressionIn(first.subarray(0, bytesRead), this.path);
    if (compression === this.compression) return;
    this.rewind();
    this.compression = compression;
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

  /** The reader of the open file. For a compressed file it only reads forward; call `rewind` before reading again. */
  reader(): ByteReader {
    if (!this.#handle) throw new Error(`${this.path} is not open`);
    this.#reader ??= this.compression
      ? new CompressedReader(this.#handle, this.compression)
      : plainReader(this.#handle);
    return this.#reader;
  }

  /** Continues in the zeros at this offset, or begins again if they were overwritten. */
  async readNuls(from: number): Promise<AfterNuls> {
    const reader = this.reader();
    const known = this.#nuls;
    // A compressed file can only be read forward, and does not change.
    const isSame =
      !this.compression &&
      known.from === from &&
      known.to <= this.size &&
      (await beginsWithNuls(reader, known));
    if (!isSame) this.#nuls = { from, to: from };
    this.#isInNuls = true;
    const after = await readNuls(reader, this.#nuls, this.compression ? Infinity : undefined);
    this.#isInNuls = after.is === "more";
    if (after.is === "more") this.#needsTurn = true;
    else if (after.is === "data" && after.at > from) this.#holes.set(from, after.at - from);
    return after;
  }

  /** Number of NULs before and between its lines, which were skipped. */
  get nulsSkipped(): number {
    return [...this.#holes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Number of NULs of a hole whose end is not reached yet. */
  get nulsPending(): number {
    return this.#isInNuls ? this.#nuls.to - this.#nuls.from : 0;
  }

  /** Whether the open file still contains what was read. Otherwise it was truncated, and perhaps rewritten. */
  async contains({ front, tail, start, offset }: Fingerprint): Promise<boolean> {
    await this.refresh();
    if (this.size < offset) return false;
    const reader = this.reader();
    const frontNow = await readRange(reader, start, start + front.length);
    if (!frontNow.equals(front)) return false;
    return (await readRange(reader, offset - tail.length, offset)).equals(tail);
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
