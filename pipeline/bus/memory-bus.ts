import { EventEmitter, once } from "node:events";

import type { Chunk, Positions, ReadPositions, Revocation, SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";

import type { Bus, BusRecord } from "./port.ts";

const PARTITIONS = 4;
const BYTES_MAX = 64 * 1024 * 1024;
const FULL_RETRY_MS = 5_000;

type Kept = BusRecord & { offset: number };

class Partition {
  readonly id: SourceId;
  /** The consumer that reads the partition, until everything that it has read is stored. */
  reader: MemoryBus | undefined;
  /** Sequence number of `records[0]`. */
  first = 0;
  records: Kept[] = [];
  bytes = 0;

  constructor(number: number) {
    this.id = `src_memory_${number}`;
  }
}

class Shared extends EventEmitter {
  readonly partitions = Array.from({ length: PARTITIONS }, (_, number) => new Partition(number));
  readonly consumers: MemoryBus[] = [];
  producers = 0;
  bytes = 0;
  /** Notifies of new records and consumers. */
  changes = 0;

  changed(): void {
    this.changes += 1;
    this.emit("change");
  }
}

/**
 * A bus in the memory of this process. Returns a function that opens it, each time with another producer and consumer.
 * The consumers share the partitions, like a Kafka consumer group.
 */
export function openMemoryBus(): () => Bus {
  const shared = new Shared();
  shared.setMaxListeners(0);
  return () => new MemoryBus(shared);
}

class MemoryBus implements Bus {
  readonly #shared: Shared;
  readonly #writesTo: number;
  #isClosed = false;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#writesTo = shared.producers % PARTITIONS;
    shared.producers += 1;
  }

  async append(...records: readonly BusRecord[]): Promise<void> {
    await this.check();
    const partition = this.#shared.partitions[this.#writesTo];
    if (!partition || this.#isClosed) throw new AppError("unavailable", "The bus is closed.");
    for (const { header, lines } of records) {
      if (lines.length === 0) continue;
      partition.records.push({ header, lines: Uint8Array.from(lines), offset: partition.bytes });
      partition.bytes += lines.length;
      this.#shared.bytes += lines.length;
    }
    this.#shared.changed();
  }

  async *recent(): AsyncGenerator<BusRecord, void> {
    for (const { records } of this.#shared.partitions) yield* records;
  }

  async check(share = 1): Promise<void> {
    if (this.#shared.bytes < BYTES_MAX * share) return;
    const message = "Too many logs are waiting to be stored. Send the request again later.";
    throw new AppError("too_many_requests", message, { waitMs: FULL_RETRY_MS });
  }

  async *read(
    positions: ReadPositions,
    signal: AbortSignal,
  ): AsyncGenerator<Chunk | Revocation, void> {
    this.#join();
    const next = new Map<Partition, number>();
    while (!signal.aborted) {
      const { changes } = this.#shared;
      for (const partition of this.#surplus()) {
        next.delete(partition);
        yield { revoked: partition.id };
        partition.reader = undefined;
        this.#shared.changed();
      }
      for (const partition of this.#takeFree()) {
        next.set(partition, recordIn(await positions(), partition));
      }
      yield* chunksOf(next, signal);
      if (changes === this.#shared.changes) {
        await once(this.#shared, "change", { signal }).catch(() => undefined);
      }
    }
  }

  async acknowledge(positions: Positions): Promise<void> {
    for (const partition of this.#shared.partitions) {
      const stored = recordIn(positions, partition);
      const removed = partition.records.splice(0, Math.max(0, stored - partition.first));
      partition.first += removed.length;
      for (const { lines } of removed) this.#shared.bytes -= lines.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const { consumers, partitions } = this.#shared;
    const at = consumers.indexOf(this);
    if (at >= 0) consumers.splice(at, 1);
    for (const it of partitions) if (it.reader === this) it.reader = undefined;
    this.#shared.changed();
  }

  #join(): void {
    const { partitions, consumers } = this.#shared;
    for (const it of partitions) if (it.reader === this) it.reader = undefined;
    if (!consumers.includes(this)) consumers.push(this);
    this.#shared.changed();
  }

  /** Partitions are assigned to the consumers in turn. */
  #isMine(partition: Partition): boolean {
    const { partitions, consumers } = this.#shared;
    return consumers[partitions.indexOf(partition) % consumers.length] === this;
  }

  #surplus(): Partition[] {
    return this.#shared.partitions.filter((it) => it.reader === this && !this.#isMine(it));
  }

  #takeFree(): Partition[] {
    const free = this.#shared.partitions.filter((it) => !it.reader && this.#isMine(it));
    for (const partition of free) partition.reader = this;
    return free;
  }
}

/** Sequence number of the first record that is not stored. */
const recordIn = (positions: Positions, { id }: Partition): number =>
  Number(positions.get(id)?.["record"] ?? 0);

/** Returns the records of each partition from its sequence number on, and advances the numbers. */
function* chunksOf(next: Map<Partition, number>, signal: AbortSignal): Generator<Chunk, void> {
  for (const [partition, from] of next) {
    for (let at = from; !signal.aborted; at += 1) {
      const record = partition.records[at - partition.first];
      if (!record) break;
      next.set(partition, at + 1);
      const { lines: bytes, header, offset } = record;
      const position = { record: at + 1 };
      yield { sourceId: partition.id, path: "", bytes, offset, position, bytesSkipped: 0, header };
    }
  }
}
