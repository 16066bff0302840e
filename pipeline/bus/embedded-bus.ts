import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, ChunkMemory, Positions, ReadPositions, SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";
import { type Lease, tryLease } from "#platform/lease/lease.ts";
import { lacksFiles } from "#platform/open-files.ts";

import { PartitionReader, READ_BYTES } from "./partition-reader.ts";
import type { Bus, BusRecord } from "./port.ts";
import { SegmentWriter, type SegmentWriterOptions } from "./segment-writer.ts";
import {
  offsetOf,
  partitionsOf,
  removeStored,
  segmentPath,
  segmentsOf,
  STRIDE,
} from "./segments.ts";

const POLL_MS = 100;
/** After fewer, more are waited for: reading few at a time costs more, because the indexer's memory has left the caches by then. */
const ENOUGH_BYTES = 8 * 1024 * 1024;
const CLAIM_EVERY_MS = 500;
/** The one that is written, and the one before it, which may have ended just now. */
const RECENT_SEGMENTS = 2;

/**
 * The bus in a folder of append-only files (segments.ts). Any number of processes may write to it. One process at a
 * time reads all partitions; others wait until it ends.
 */
export function openEmbeddedBus(options: SegmentWriterOptions): Bus {
  return new EmbeddedBus(options);
}

class EmbeddedBus implements Bus {
  readonly #folder: string;
  readonly #writer: SegmentWriter;
  #reading: Lease | undefined;

  constructor(options: SegmentWriterOptions) {
    this.#folder = options.folder;
    this.#writer = new SegmentWriter(options);
  }

  append(...records: readonly BusRecord[]): Promise<void> {
    return this.#writer.append(...records);
  }

  async *recent(): AsyncGenerator<BusRecord, void> {
    const { signal } = new AbortController();
    for (const partition of await partitionsOf(this.#folder)) {
      const segments = await segmentsOf(this.#folder, partition);
      const last = segments.slice(-RECENT_SEGMENTS);
      const [first] = last;
      if (first === undefined) continue;
      for (const index of last) await makeDurable(segmentPath(this.#folder, partition, index));
      const from = { folder: this.#folder, partition, offset: first * STRIDE };
      const reader = new PartitionReader(from);
      for (let count = 1; count > 0;) {
        count = 0;
        for await (const { header, bytes } of reader.chunks(signal)) {
          count += 1;
          if (header) yield { header, lines: bytes };
        }
      }
    }
  }

  check(share?: number): Promise<void> {
    return this.#writer.check(share);
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    while (!this.#reading && !signal.aborted) {
      // The folder may become writable again; until then nothing can be pushed either.
      this.#reading = await tryLease(this.#folder, "reader").catch(() => undefined);
      if (!this.#reading) await pause(CLAIM_EVERY_MS, signal);
    }
    if (signal.aborted) return;
    const stored = await positions();
    const readers = new Map<SourceId, PartitionReader>();
    // Used again, because V8 marks its whole heap whenever much new memory outside of it was allocated.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const memory = (bytes: number): Buffer | undefined =>
      bytes <= buffer.length ? buffer.subarray(0, bytes) : undefined;
    while (!signal.aborted) {
      if (this.#reading?.lost.aborted) throw lostError();
      let bytes = 0;
      try {
        for await (const chunk of this.#round({ readers, stored, memory }, signal)) {
          bytes += chunk.bytes.length;
          yield chunk;
        }
      } catch (error) {
        // Files will be closed; ending here would read everything that is not stored again.
        if (!lacksFiles(error)) throw error;
        bytes = 0;
      }
      if (bytes < ENOUGH_BYTES) await pause(POLL_MS, signal);
    }
  }

  /** What there is to read in each partition now. */
  async *#round(
    about: {
      readers: Map<SourceId, PartitionReader>;
      stored: Positions;
      memory: ChunkMemory;
    },
    signal: AbortSignal,
  ): AsyncGenerator<Chunk, void> {
    const { readers, stored, memory } = about;
    for (const partition of await partitionsOf(this.#folder)) {
      const offset = offsetOf(stored.get(partition));
      const reader =
        readers.get(partition) ?? new PartitionReader({ folder: this.#folder, partition, offset });
      readers.set(partition, reader);
      yield* reader.chunks(signal, memory);
    }
  }

  async confirm(): Promise<void> {
    if (this.#reading && !(await this.#reading.confirm())) throw lostError();
  }

  acknowledge(positions: Positions): Promise<void> {
    return removeStored(this.#folder, positions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
    await this.#reading?.release();
  }
}

/** A process may have been killed after it wrote, before the records were durable. */
async function makeDurable(path: string): Promise<void> {
  const opened = await ifExists(open(path, "r"));
  if (!opened) return;
  await using file = opened;
  await file.datasync();
}

const lostError = (): AppError =>
  new AppError(
    "conflict",
    "another process took over reading the bus because this one was suspended",
  );

/** Ends early when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
