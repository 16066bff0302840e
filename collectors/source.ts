import type { Format } from "./format.ts";

/** Where a source was read up to: whatever the source needs to go on from there, as JSON. */
export type Position = {
  /** Bytes of the logical, decompressed stream that are done. */
  offset: number;
  [key: string]: string | number | boolean;
};

/** What is read in one go: whole lines only, but for the last of a stream that has ended. */
export type Chunk = {
  /** The stream's identity, the same after a rename, a copy or a gzip: `src_…`. */
  sourceId: SourceId;
  /** The path as it was when read, for people; empty where the stream is no file of theirs. */
  path: string;
  /** Valid until the next chunk is asked for. */
  bytes: Uint8Array;
  /** Offset of `bytes[0]` in the logical, decompressed stream. */
  offset: number;
  /** Where to go on after this chunk. */
  position: Position;
  /** Where to go on after the first so many bytes only, to be asked as long as `bytes` is valid. Absent: not known. */
  positionAt?: (length: number) => Position;
  /** Bytes of a line longer than the limit that were left out of `bytes` (its head is there); 0 nearly always. */
  bytesSkipped: number;
  /** Where a log is played as if it were now: the instant to put in place of an event's own, both epoch ms. */
  retime?: (eventMs: number) => number;
  /** The format of the stream, where the source knows it; absent: it is recognised by the content. */
  format?: Format;
};

export type SourceId = `src_${string}`;

/** Logs that can be read again from a position. Ends when the signal aborts, or when there is nothing more to come. */
export type Source = {
  /** Yields chunks from the stored positions on. Pulling slowly slows the source: that is the back-pressure. */
  read(positions: PositionLookup, signal: AbortSignal): AsyncIterable<Chunk>;
};

/** What a person is told of one path: whether it is read, and if not, why and what to do. */
export type SourceStatus = { path: string; message: string; level: "info" | "warning" | "error" };

export type PositionLookup = (id: SourceId) => Position | undefined;
