/**
 * Where a source was read up to: a cursor that its source alone interprets. Everybody else keeps it, hands it back, and
 * compares it for equality at most. It survives JSON.
 */
export type Position = Readonly<Record<string, string | number | boolean>>;

/** How far each source was read. */
export type Positions = ReadonlyMap<SourceId, Position>;

/** Asks how far each source is stored at this moment. */
export type ReadPositions = () => Promise<Positions>;

/** Metadata of lines; what a line itself contains takes precedence. */
export type RecordHeader = {
  /** Name of the format (`Format.dataset`); absent: it is detected from the content. */
  format?: string;
  /** Dataset of the events; absent: that of the format. */
  dataset?: string;
  /** ECS fields of every event, such as `host.name` or `source.address` of the sender. */
  fields: Readonly<Record<string, string>>;
};

/** Lines that are read together: whole ones, except the last of a stream that has ended. */
export type Chunk = {
  /** The stream's identity, the same after a rename, a copy or a gzip: `src_…`. */
  sourceId: SourceId;
  /** The path as it was when read, for people; empty where the stream is not a file of theirs. */
  path: string;
  /** Valid until the next item is asked for. */
  bytes: Uint8Array;
  /** Number of `bytes[0]` in the stream: grows, and is the same whenever the chunk is read again. */
  offset: number;
  /** Position after this chunk. */
  position: Position;
  /** Position after the first `length` bytes, while `bytes` is valid. Absent: unknown. */
  positionAt?: (length: number) => Position;
  /** Bytes of a line longer than the limit that were left out of `bytes` (its head is there); 0 nearly always. */
  bytesSkipped: number;
  /** For a replay: the instant that replaces an event's own time, both epoch ms. */
  retime?: (eventMs: number) => number;
  /** Of lines that were sent to us. Events of such a chunk do not span chunks, so it has no `positionAt`. */
  header?: RecordHeader;
};

/**
 * This reader must give the stream up to another one: what was read of it must be stored before the next item is asked
 * for, because the other one goes on from the stored position.
 */
export type Revocation = { revoked: SourceId };

export type SourceId = `src_${string}`;

/** Logs that can be read again from a position. */
export type Source = {
  /**
   * Yields chunks from the stored positions on, until the signal or until there is nothing more to come. Pulling slowly
   * slows the source: that is the back-pressure. A source that may no longer read a stream, and cannot wait until what
   * was read is stored, throws: rows that are not stored yet must then be dropped.
   */
  read(positions: ReadPositions, signal: AbortSignal): AsyncIterable<Chunk | Revocation>;
  /**
   * To be called right before what was read is stored; throws when it must not be stored, because another process reads
   * on from the stored positions. Absent: there are no other processes.
   */
  confirm?(): Promise<void>;
};

/** Status of one path for people: whether it is read, and if not, why and what to do. */
export type SourceStatus = { path: string; message: string; level: "info" | "warning" | "error" };
