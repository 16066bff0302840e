import { endWithCr } from "#collectors/line-column.ts";
import { eachLine } from "#collectors/lines.ts";
import type { Chunk } from "#collectors/source.ts";

import type { Stream } from "./streams.ts";

const LF = 0x0a;
const LINE_END = Buffer.of(LF);
const NOTHING = Buffer.alloc(0);
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
 * back, because it may continue in the next one. A line that begins no event, and has none to continue, is taken alone.
 * Continuation lines may also be lines of another format.
 */
export function eachSpanningEvent(stream: Stream, chunk: Chunk, take: TakeEvent): void {
  const begins = stream.format?.begins;
  if (!begins) return;
  const { bytes, offset, retime } = chunk;
  let from = -1;
  let to = -1;
  let isRest = false;
  const flush = (): void => {
    if (isRest) joinHeld(stream, bytes.subarray(0, endWithCr(bytes, to)), to);
    takeHeld(stream, take);
    if (!isRest) take({ bytes, start: from, end: to, offset: offset + from, retime });
    from = -1;
  };
  eachLine(chunk, (start, end) => {
    const isFirstOfEvent = begins(bytes, start, end);
    if (from >= 0 && isFirstOfEvent) flush();
    const continues = !isFirstOfEvent && (from >= 0 || stream.held !== undefined);
    if (continues) stream.evidence?.refuse(bytes.subarray(start, end));
    if (from < 0) {
      isRest = continues;
      from = start;
    }
    to = end;
    if (!isFirstOfEvent && !continues) flush();
    stream.evidence?.count(1);
  });
  if (from < 0) {
    if (stream.held) joinHeld(stream, bytes, undefined);
    return;
  }
  if (isRest) joinHeld(stream, bytes, to);
  else {
    takeHeld(stream, take);
    holdLast(stream, chunk, [from, to]);
    if (!chunk.positionAt) takeHeld(stream, take);
  }
  if ((stream.held?.bytes.length ?? 0) > HELD_BYTES_MAX) takeHeld(stream, take);
}

/** The first lines of a chunk, and the rest. A chunk within which no position is known has no rest. */
export function firstLines(
  chunk: Chunk,
  linesMax: number,
): { part: Chunk; rest: Chunk | undefined } {
  const { bytes } = chunk;
  let length = 0;
  for (let lines = 0; lines < linesMax && length < bytes.length; lines += 1) {
    const found = bytes.indexOf(LF, length);
    length = found < 0 ? bytes.length : found + 1;
  }
  if (!chunk.positionAt || length === bytes.length) return { part: chunk, rest: undefined };
  const part = { ...chunk, bytes: bytes.subarray(0, length), bytesSkipped: 0 };
  return { part, rest: restOf(chunk, length) };
}

/** The chunk without its first `length` bytes. */
export function restOf(chunk: Chunk, length: number): Chunk {
  const { bytes, offset, positionAt } = chunk;
  return {
    ...chunk,
    bytes: bytes.subarray(length),
    offset: offset + length,
    ...(positionAt && {
      positionAt: (first) => positionAt(bytes.subarray(0, length + first.length)),
    }),
  };
}

/** Takes the held-back event of the stream as complete. */
export function takeHeld(stream: Stream, take: TakeEvent): void {
  const { held } = stream;
  stream.held = undefined;
  if (held) take({ ...held, start: 0 });
}

/**
 * Takes the held-back event up to its first continuation line that `isEvent`, and returns the rest of it as a chunk;
 * undefined if there is no such line.
 */
export function splitHeld(
  stream: Stream,
  isEvent: (bytes: Uint8Array, start: number, end: number) => boolean,
  take: TakeEvent,
): Chunk | undefined {
  const { held } = stream;
  if (!held) return undefined;
  let lastEnd = -1;
  let split: { start: number; end: number } | undefined;
  eachLine({ bytes: held.bytes.subarray(0, held.end) }, (start, end) => {
    if (!split && lastEnd >= 0 && isEvent(held.bytes, start, end)) split = { start, end: lastEnd };
    lastEnd = end;
  });
  if (!split) return undefined;
  stream.held = { ...held, end: split.end };
  takeHeld(stream, take);
  return {
    sourceId: stream.id,
    path: stream.path,
    bytes: held.bytes.subarray(split.start, endWithCr(held.bytes, held.end)),
    offset: held.offset + split.start,
    position: stream.position,
    bytesSkipped: 0,
    ...(held.retime && { retime: held.retime }),
  };
}

function holdLast(stream: Stream, chunk: Chunk, [from, to]: [number, number]): void {
  const { bytes, offset, retime, positionAt } = chunk;
  stream.held = {
    bytes: new Uint8Array(bytes.subarray(from)),
    end: to - from,
    offset: offset + from,
    position: positionAt?.(bytes.subarray(0, from)) ?? chunk.position,
    retime,
  };
}

/**
 * Joins the held-back event with the first bytes of the next chunk, in which it ends at `to`; undefined: they are only
 * line ends.
 */
function joinHeld(stream: Stream, rest: Uint8Array, to: number | undefined): void {
  const { held } = stream;
  if (!held) return;
  // The line end is missing after the beginning of an overlong line.
  const bytes = Buffer.concat([held.bytes, held.bytes.at(-1) === LF ? NOTHING : LINE_END, rest]);
  const end = to === undefined ? held.end : bytes.length - rest.length + to;
  stream.held = { ...held, bytes, end };
}
