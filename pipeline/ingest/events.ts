import { eachLine } from "#collectors/lines.ts";
import type { Chunk } from "#collectors/source.ts";

import type { Held, Stream } from "./streams.ts";

const LF = Buffer.from("\n");
/** Maximum size of an event that is held back. */
const HELD_BYTES_MAX = 256 * 1024;

/** An event is the bytes in [start, end), and begins at this offset of its stream. */
export type TakeEvent = (event: {
  bytes: Uint8Array;
  start: number;
  end: number;
  offset: number;
  retime: Chunk["retime"];
}) => void;

/**
 * Takes each event of a chunk of a format with multi-line events: a first line with its continuation lines. The event
 * that was held back at the end of the previous chunk is joined with its rest, and the last event of this chunk is held
 * back, because it may continue in the next one.
 */
export function eachSpanningEvent(stream: Stream, chunk: Chunk, take: TakeEvent): void {
  const begins = stream.format?.begins;
  if (!begins) return;
  let from = -1;
  let to = -1;
  let isRest = false;
  const flush = (): void => {
    const event = joined(stream, chunk, isRest ? [from, to] : undefined);
    if (event) take({ ...event, start: 0, end: event.bytes.length });
    const { bytes, offset, retime } = chunk;
    if (!isRest) take({ bytes, start: from, end: to, offset: offset + from, retime });
  };
  eachLine(chunk, (start, end) => {
    const isFirstOfEvent = begins(chunk.bytes, start, end);
    if (from >= 0 && isFirstOfEvent) {
      flush();
      from = -1;
    }
    if (from < 0) {
      isRest = stream.held !== undefined && !isFirstOfEvent;
      from = start;
    }
    to = end;
  });
  if (from < 0) return;
  const held = isRest ? joined(stream, chunk, [from, to]) : undefined;
  if (held) stream.held = held;
  else {
    takeHeld(stream, take);
    const { offset, retime, positionAt } = chunk;
    const position = positionAt?.(from) ?? chunk.position;
    const bytes = new Uint8Array(chunk.bytes.subarray(from, to));
    stream.held = { bytes, offset: offset + from, position, retime };
    if (!positionAt) takeHeld(stream, take);
  }
  if ((stream.held?.bytes.length ?? 0) > HELD_BYTES_MAX) takeHeld(stream, take);
}

/** Takes the held-back event of the stream as complete. */
export function takeHeld(stream: Stream, take: TakeEvent): void {
  const { held } = stream;
  stream.held = undefined;
  if (held) take({ ...held, start: 0, end: held.bytes.length });
}

/** Removes and returns the held-back event, joined with its rest in this range of the chunk. */
function joined(
  stream: Stream,
  chunk: Chunk,
  rest: [number, number] | undefined,
): Held | undefined {
  const { held } = stream;
  stream.held = undefined;
  if (!held || !rest) return held;
  return { ...held, bytes: Buffer.concat([held.bytes, LF, chunk.bytes.subarray(...rest)]) };
}
