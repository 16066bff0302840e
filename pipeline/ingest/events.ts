import type { Format } from "#collectors/format.ts";
import { eachLine } from "#collectors/lines.ts";
import type { Chunk, Position } from "#collectors/source.ts";

const LF = Buffer.from("\n");
/** A longer event is not held back. */
const HELD_BYTES_MAX = 256 * 1024;

type Begins = NonNullable<Format["begins"]>;

/** Bytes of a stream: `offset` is that of the first one. */
export type StreamBytes = { bytes: Uint8Array; offset: number; retime?: Chunk["retime"] };

/** An event that lies in [start, end) of the bytes. */
export type EventBytes = StreamBytes & { start: number; end: number };

/** An event that may continue in the next chunk, and the position from which it is read again. */
export type OpenEvent = StreamBytes & { position: Position };

/** Lines that belong to one event; `isContinuation`: it began in an earlier chunk. */
type Span = { start: number; end: number; isContinuation: boolean };

/**
 * Splits a chunk of a format whose events span lines: a first line and the lines that continue it. Returns the complete
 * events, and the last one if it may continue in the next chunk. `before` is what the previous chunk ended with.
 */
export function splitEvents(
  chunk: Chunk,
  begins: Begins,
  before: OpenEvent | undefined,
): { events: EventBytes[]; open: OpenEvent | undefined } {
  const spans = spansOf(chunk, begins);
  const events: EventBytes[] = [];
  let open = before;
  const [first] = spans;
  if (open && first?.isContinuation) {
    open = continued(open, chunk, first);
    spans.shift();
  }
  if (open && spans.length > 0) {
    events.push(wholeEvent(open));
    open = undefined;
  }
  // Without the position of the last event it could not be read again: it counts as complete.
  const last = chunk.positionAt ? spans.pop() : undefined;
  const { bytes, offset, retime } = chunk;
  for (const { start, end } of spans) events.push({ bytes, offset, retime, start, end });
  if (last) open = openEvent(chunk, last);
  if (open && open.bytes.length > HELD_BYTES_MAX) {
    events.push(wholeEvent(open));
    open = undefined;
  }
  return { events, open };
}

function spansOf(chunk: Chunk, begins: Begins): Span[] {
  const spans: Span[] = [];
  eachLine(chunk, (start, end) => {
    const isFirst = begins(chunk.bytes, start, end);
    const last = spans.at(-1);
    if (last && !isFirst) last.end = end;
    else spans.push({ start, end, isContinuation: !isFirst });
  });
  return spans;
}

/** Copies the event, because a chunk's bytes are valid until the next chunk only. */
function openEvent(chunk: Chunk, { start, end }: Span): OpenEvent {
  return {
    bytes: new Uint8Array(chunk.bytes.subarray(start, end)),
    offset: chunk.offset + start,
    position: chunk.positionAt?.(start) ?? chunk.position,
    retime: chunk.retime,
  };
}

function continued(event: OpenEvent, chunk: Chunk, { start, end }: Span): OpenEvent {
  return { ...event, bytes: Buffer.concat([event.bytes, LF, chunk.bytes.subarray(start, end)]) };
}

/** All bytes of the event, when it is complete. */
export function wholeEvent({ bytes, offset, retime }: OpenEvent): EventBytes {
  return { bytes, offset, retime, start: 0, end: bytes.length };
}
