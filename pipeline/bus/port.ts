import type { Positions, RecordHeader, Source } from "#collectors/source.ts";

/** Lines that were pushed together, each with its line end. */
export type BusRecord = { header: RecordHeader; lines: Uint8Array };

/** Stores pushed records durably before they are acknowledged to the sender. */
export type BusProducer = {
  /**
   * Resolves when the lines are durable, even if this process is killed afterwards. Either all of the records are kept, in
   * their order, or it rejects.
   * @throws AppError unavailable if they cannot be kept, too_many_requests while the backlog is too large
   */
  append(...records: readonly BusRecord[]): Promise<void>;
  /**
   * The records that were appended last by any producer, as far as they are still there: at least those of which an
   * acknowledgement may not have reached its sender when a process was killed. They are durable.
   */
  recent(): AsyncIterable<BusRecord>;
  /**
   * Rejects, like `append`, if nothing can be appended now. `share` of the largest backlog (default 1): rejects also if the
   * backlog is larger than that, so that some producers leave space for others.
   */
  check(share?: number): Promise<void>;
};

/**
 * Reads the appended records, split into partitions. Each partition is a stream (`SourceId`) in which records keep
 * their order; one consumer at a time reads it. It is assigned to another consumer when this one has stored what it
 * read (`Revocation`), when its bus is closed, or when its process has ended; so close the bus after everything read is
 * stored. Records that were read but not stored are read again.
 */
export type BusConsumer = Source & {
  /** Acknowledges that these positions are stored: records before them may be deleted. Ignores other sources. */
  acknowledge(positions: Positions): Promise<void>;
};

/** The log of pushed records that are not stored yet. contract.ts tests every adapter. */
export type Bus = BusProducer & BusConsumer & AsyncDisposable;
