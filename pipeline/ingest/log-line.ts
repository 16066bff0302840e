import type { Line, ReadableLine } from "#collectors/envelopes/envelope.ts";
import { readable, type Unwrapped } from "#collectors/envelopes/unwrap.ts";
import type { Chunk } from "#collectors/source.ts";

/** A line, or an event of several lines. */
export type LogLine = {
  /** As its program wrote it, for formats. */
  line: ReadableLine;
  /** As it is in the stream. */
  original: Line;
  /** What its envelope states; undefined if it has none. */
  origin: Unwrapped | undefined;
  /** Offset in the stream. */
  offset: number;
  retime: Chunk["retime"];
};

/** The line of the chunk in [start, end). */
export function lineOf(
  { bytes, offset, retime }: Chunk,
  { start, end }: { start: number; end: number },
  origin: Unwrapped | undefined,
): LogLine {
  const original = { bytes, start, end };
  const line = origin ? readable(origin) : original;
  return { line, original, origin, offset: offset + start, retime };
}
