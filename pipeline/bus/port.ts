import type { Positions, RecordHeader, Source } from "#collectors/source.ts";

/** Lines that were sent together; each has its line end. */
export type BusRecord = { header: RecordHeader; lines: Uint8Array };

/** Takes what is sent to us, before it is acknowledged to the sender. */
export type BusProducer = {
  /**
   * Resolves when the lines are durable, whatever happens to this process from then on. All of them are kept, or it
   * rejects and none is promised.
   * @throws AppError unavailable when they cannot be kept, too_many_requests while too much waits to be stored
   */
  append(record: BusRecord): Promise<void>;
  /** Rejects, as `append` would, when nothing can be appended now. */
  check(): Promise<void>;
};

/**
 * Hands out what producers appended, split into partitions. Each partition is a stream (`SourceId`) in which records
 * keep their order; one consumer at a time reads it. It passes to another consumer when this one has stored what it read
 * (`Revocation`), when its bus is closed, or when its process has ended; so close the bus after what was read is stored.
 * Records that were handed out but not stored are handed out again.
 */
export type BusConsumer = Source & {
  /** These positions are stored: records before them need not be kept. Positions of other sources are ignored. */
  acknowledge(positions: Positions): Promise<void>;
};

/** The log of what was sent to us and is not stored yet. contract.ts tests every adapter. */
export type Bus = BusProducer & BusConsumer & AsyncDisposable;
