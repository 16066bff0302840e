import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";

import type { SourceId } from "#collectors/source.ts";
import { type Claim, claim } from "#collectors/sources/claim.ts";
import { AppError } from "#platform/errors.ts";

import { ifThere } from "../store/files.ts";
import type { Bus } from "./port.ts";
import { bytesIn, lanesOf, makeFolder, segmentPath, segmentsOf, syncFolder } from "./segments.ts";

export type SpoolOptions = {
  /** Made when it is not there. Any number of processes may have the same one open. */
  folder: string;
  /** A segment of this size is ended. Default 32 MiB. */
  segmentBytesMax?: number;
  /** With so many bytes in the folder nothing more is taken. Default 1 GiB. */
  backlogBytesMax?: number;
};

const SEGMENT_BYTES_MAX = 32 * 1024 * 1024;
const BACKLOG_BYTES_MAX = 1024 * 1024 * 1024;
/** What waits in memory for the disk, and how much of it goes out by one write. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const WRITE_BYTES = 8 * 1024 * 1024;
const LOOK_EVERY_MS = 1_000;
const RETRY_MS = { full: 5_000, broken: 2_000 };

/** The bus in a folder of append-only files: requests that come together share one write and one fsync. */
export function openSpool(options: SpoolOptions): Bus {
  return new Spool({
    segmentBytesMax: SEGMENT_BYTES_MAX,
    backlogBytesMax: BACKLOG_BYTES_MAX,
    ...options,
  });
}

type Waiting = { lines: Uint8Array; resolve(): void; reject(error: unknown): void };
type Lane = { id: SourceId; claim: Claim; next: number };
type Segment = { path: string; handle: FileHandle; bytes: number; inode: number };

class Spool implements Bus {
  readonly #options: Required<SpoolOptions>;
  readonly #queue: Waiting[] = [];
  #queueBytes = 0;
  #writing: Promise<void> | undefined;
  #lane: Lane | undefined;
  #segment: Segment | undefined;
  #backlog = { bytes: 0, lookedMs: -LOOK_EVERY_MS };
  #isClosed = false;

  constructor(options: Required<SpoolOptions>) {
    this.#options = options;
  }

  async append(lines: Uint8Array): Promise<void> {
    await this.check();
    if (this.#isClosed) throw notKept(new Error("the bus is closed"));
    if (lines.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ lines, resolve, reject });
    this.#queueBytes += lines.length;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return promise;
  }

  async check(): Promise<void> {
    const { folder, backlogBytesMax } = this.#options;
    if (performance.now() - this.#backlog.lookedMs >= LOOK_EVERY_MS) {
      this.#backlog.lookedMs = performance.now();
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        this.#backlog.lookedMs = -LOOK_EVERY_MS;
        throw notKept(error);
      });
      this.#backlog.bytes = await bytesIn(folder).catch((error: unknown) => {
        throw notKept(error);
      });
    }
    if (this.#backlog.bytes < backlogBytesMax && this.#queueBytes < QUEUE_BYTES_MAX) return;
    throw new AppError(
      "too_many_requests",
      "More logs wait to be stored than may: nothing of this was taken. Send it again later.",
      { waitMs: RETRY_MS.full },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#endSegment();
    await this.#lane?.claim.release();
    this.#lane = undefined;
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const taken = this.#take();
      try {
        await this.#write(Buffer.concat(taken.map(({ lines }) => lines)));
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
    for (const { lines } of this.#queue) {
      if (count > 0 && bytes + lines.length > WRITE_BYTES) break;
      bytes += lines.length;
      count += 1;
    }
    this.#queueBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#segment ??= await this.#begin();
    const segment = this.#segment;
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await segment.handle.write(bytes, at);
      at += bytesWritten;
    }
    await segment.handle.datasync();
    // A file that was deleted takes bytes too: then nobody would ever read them.
    const there = await ifThere(stat(segment.path));
    if (there?.ino !== segment.inode) throw new Error("the folder of the bus was taken away");
    segment.bytes += bytes.length;
    this.#backlog.bytes += bytes.length;
    if (segment.bytes >= this.#options.segmentBytesMax) await this.#endSegment();
  }

  async #begin(): Promise<Segment> {
    const { folder } = this.#options;
    this.#lane ??= await takeLane(folder);
    const lane = this.#lane;
    await makeFolder(folder, lane.id);
    const path = segmentPath(folder, lane.id, lane.next);
    lane.next += 1;
    const handle = await open(path, "ax", 0o600);
    try {
      await syncFolder(join(folder, lane.id));
      return { path, handle, bytes: 0, inode: (await handle.stat()).ino };
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

  /** After a failure nobody knows what is in the file: what was not promised is cut off if that is possible. */
  async #abandon(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.truncate(segment.bytes).catch(() => undefined);
    await segment?.handle.close().catch(() => undefined);
    if (segment && (await ifThere(stat(segment.path)).catch(() => undefined))) return;
    // Without its folder the lane is gone, and its number must not be used again from the beginning.
    await this.#lane?.claim.release().catch(() => undefined);
    this.#lane = undefined;
  }
}

/** A lane that nobody else writes to: one that was left, else a new one. */
async function takeLane(folder: string): Promise<Lane> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh: SourceId = `src_${randomBytes(12).toString("hex")}`;
  for (const id of [...(await lanesOf(folder)), fresh]) {
    const held = await claim(id, folder);
    if (!held) continue;
    const last = (await segmentsOf(folder, id)).at(-1);
    // A lane without segments has lost them: it would begin again at offsets that a reader has passed.
    if (last !== undefined || id === fresh) {
      return { id, claim: held, next: last === undefined ? 0 : last + 1 };
    }
    await held.release();
  }
  throw new Error("a lane of its own is always free");
}

function notKept(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  return new AppError(
    "unavailable",
    `What was sent cannot be written down safely now${code}: nothing of it was taken. Send it again later.`,
    { cause: error, waitMs: RETRY_MS.broken },
  );
}
