import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";

import type { SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";
import { type Lease, tryLease } from "#platform/lease/lease.ts";

import type { BusProducer, BusRecord } from "./port.ts";
import { headerLine, newMark } from "./segment-headers.ts";
import {
  bytesIn,
  makeFolder,
  partitionsOf,
  segmentPath,
  segmentsOf,
  syncFolder,
} from "./segments.ts";

export type SegmentWriterOptions = {
  /** Created at the first append. Several processes may use the same folder. */
  folder: string;
  /** A segment ends at this size. Default 32 MiB. */
  segmentBytesMax?: number;
  /** `append` rejects if the folder has this many bytes. Default 1 GiB. */
  backlogBytesMax?: number;
};

const SEGMENT_BYTES_MAX = 32 * 1024 * 1024;
const BACKLOG_BYTES_MAX = 1024 * 1024 * 1024;
/** Maximum size of records that wait for the disk in memory, and of one write. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const WRITE_BYTES = 8 * 1024 * 1024;
/** Blocks end at the first line end after this size, so that a reader reads several at once. */
const BLOCK_BYTES = 128 * 1024;
const LF = 0x0a;
const COUNT_EVERY_MS = 1_000;
const RETRY_MS = { full: 5_000, broken: 2_000 };

type Waiting = {
  records: readonly BusRecord[];
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
};
type Partition = { id: SourceId; lease: Lease; next: number };
type Segment = {
  path: string;
  handle: FileHandle;
  bytes: number;
  inode: number;
  mark: string;
};

/** Writes one partition: concurrent records share one write and one fsync. */
export class SegmentWriter implements Omit<BusProducer, "recent">, AsyncDisposable {
  readonly #options: Required<SegmentWriterOptions>;
  readonly #queue: Waiting[] = [];
  #queueBytes = 0;
  #writing: Promise<void> | undefined;
  #partition: Partition | undefined;
  #segment: Segment | undefined;
  #backlog = { bytes: 0, countedMs: -COUNT_EVERY_MS };
  #isClosed = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = {
      segmentBytesMax: SEGMENT_BYTES_MAX,
      backlogBytesMax: BACKLOG_BYTES_MAX,
      ...options,
    };
  }

  async append(...records: readonly BusRecord[]): Promise<void> {
    await this.check();
    if (this.#isClosed) throw notKept(new Error("the bus is closed"));
    const bytes = records.reduce((sum, { lines }) => sum + lines.length, 0);
    if (bytes === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ records, bytes, resolve, reject });
    this.#queueBytes += bytes;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return promise;
  }

  async check(share = 1): Promise<void> {
    const { folder, backlogBytesMax } = this.#options;
    if (performance.now() - this.#backlog.countedMs >= COUNT_EVERY_MS) {
      this.#backlog.countedMs = performance.now();
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        this.#backlog.countedMs = -COUNT_EVERY_MS;
        throw notKept(error);
      });
      this.#backlog.bytes = await bytesIn(folder).catch((error: unknown) => {
        throw notKept(error);
      });
    }
    const isFull =
      this.#backlog.bytes >= backlogBytesMax * share || this.#queueBytes >= QUEUE_BYTES_MAX * share;
    if (!isFull) return;
    throw new AppError(
      "too_many_requests",
      "Too many logs are waiting to be stored, so this request was not accepted. Send it again later.",
      { waitMs: RETRY_MS.full },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#endSegment();
    await this.#partition?.lease.release();
    this.#partition = undefined;
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const taken = this.#take();
      try {
        await this.#write(taken.flatMap(({ records }) => records));
        for (const { resolve } of taken) resolve();
      } catch (error) {
        await this.#abandon();
        const refused = notKept(error);
        for (const { reject } of taken) reject(refused);
      }
    }
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && bytes + waiting.bytes > WRITE_BYTES) break;
      bytes += waiting.bytes;
      count += 1;
    }
    this.#queueBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #write(records: readonly BusRecord[]): Promise<void> {
    this.#segment ??= await this.#begin();
    const segment = this.#segment;
    const parts = withHeaders(segment.mark, records);
    const bytes = await writeAll(segment.handle, parts);
    await segment.handle.datasync();
    // A deleted file can still be written to, but would never be read.
    const there = await ifExists(stat(segment.path));
    if (there?.ino !== segment.inode) throw new Error("the folder of the bus was removed");
    await this.#confirm();
    segment.bytes += bytes;
    this.#backlog.bytes += bytes;
    if (segment.bytes >= this.#options.segmentBytesMax) await this.#endSegment();
  }

  /** Lines must not be acknowledged if another process has taken over the partition, because it would not read them. */
  async #confirm(): Promise<void> {
    const lease = this.#partition?.lease;
    if (!lease?.isHeld() && !(await lease?.confirm())) {
      throw new Error("another process took over the partition because this one was suspended");
    }
  }

  async #begin(): Promise<Segment> {
    const { folder } = this.#options;
    this.#partition ??= await takePartition(folder);
    const partition = this.#partition;
    await makeFolder(folder, partition.id);
    const path = segmentPath(folder, partition.id, partition.next);
    partition.next += 1;
    const handle = await open(path, "ax", 0o600);
    try {
      await syncFolder(join(folder, partition.id));
      const { ino: inode } = await handle.stat();
      return { path, handle, bytes: 0, inode, mark: newMark() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #endSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.close();
  }

  /** After a failure the end of the file is unknown: truncates unacknowledged bytes if possible. */
  async #abandon(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.truncate(segment.bytes).catch(() => undefined);
    await segment?.handle.close().catch(() => undefined);
    const isThere = segment && (await ifExists(stat(segment.path)).catch(() => undefined));
    if (isThere && !this.#partition?.lease.lost.aborted) return;
    // Without its folder the partition is lost, and its offsets must not restart under the same id.
    await this.#partition?.lease.release().catch(() => undefined);
    this.#partition = undefined;
  }
}

/**
 * The records as blocks: consecutive lines with the same header, split where they are long. Packed documents are one block, and so is
 * a record that is recognised when it is written again, of which a killed process has written all or nothing that counts.
 */
function withHeaders(mark: string, records: readonly BusRecord[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const add = (json: string, lines: Uint8Array): void => {
    parts.push(Buffer.from(headerLine(mark, json, lines)), lines);
  };
  for (let i = 0; i < records.length;) {
    const header = records[i]?.header;
    const json = JSON.stringify(header);
    const first = i;
    const isNext = (): boolean => !header?.packed && JSON.stringify(records[i]?.header) === json;
    for (i += 1; i < records.length && isNext();) i += 1;
    const all = joined(records.slice(first, i).map(({ lines }) => lines));
    const isWhole = header?.readTo !== undefined || header?.packed !== undefined;
    if (isWhole) add(json, all);
    else for (const lines of blocksOf(all)) add(json, lines);
  }
  return parts;
}

/** One is not copied. */
function joined([first, ...others]: readonly Uint8Array[]): Buffer {
  if (!first || others.length > 0) return Buffer.concat(first ? [first, ...others] : []);
  return Buffer.from(first.buffer, first.byteOffset, first.length);
}

/** Returns the number of bytes. */
async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<number> {
  let rest = parts;
  let bytes = 0;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    bytes += bytesWritten;
    rest = partsAfter(rest, bytesWritten);
  }
  return bytes;
}

/** The parts without their first bytes. */
function partsAfter(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skipped = bytes;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (skipped < part.length) rest.push(part.subarray(skipped));
    skipped = Math.max(0, skipped - part.length);
  }
  return rest;
}

/** Splits lines after line ends. */
function* blocksOf(lines: Buffer): Generator<Buffer, void> {
  for (let start = 0; start < lines.length;) {
    const lineEnd = lines.indexOf(LF, start + BLOCK_BYTES);
    const end = lineEnd < 0 ? lines.length : lineEnd + 1;
    yield lines.subarray(start, end);
    start = end;
  }
}

/** A partition without a writer, otherwise a new one. */
async function takePartition(folder: string): Promise<Partition> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh: SourceId = `src_${randomBytes(12).toString("hex")}`;
  for (const id of [...(await partitionsOf(folder)), fresh]) {
    const lease = await tryLease(folder, id);
    if (!lease) continue;
    const last = (await segmentsOf(folder, id)).at(-1);
    // A partition without segments has lost them: its offsets would restart below those that were read.
    if (last !== undefined || id === fresh) {
      return { id, lease, next: last === undefined ? 0 : last + 1 };
    }
    await lease.release();
  }
  throw new Error("a new partition cannot be held by another process");
}

function notKept(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  return new AppError(
    "unavailable",
    `The logs cannot be stored safely now${code}, so this request was not accepted. Send it again later.`,
    { cause: error, waitMs: RETRY_MS.broken },
  );
}
