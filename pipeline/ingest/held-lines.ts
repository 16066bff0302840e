import { headerOf, joinedLines } from "#collectors/envelopes/envelope.ts";
import type { Unwrapped } from "#collectors/envelopes/unwrap.ts";
import { endWithCr, endWithoutCr } from "#collectors/line-column.ts";
import type { Chunk, Position } from "#collectors/source.ts";
import type { EventLines } from "#collectors/stream-formats.ts";

import type { LogLine } from "./log-line.ts";

const LF = 0x0a;
const LINE_END = Buffer.of(LF);
/** Parts of a line are joined whatever they contain. */
const PARTS: EventLines = { format: undefined, hasBegun: true, isOpen: false };

/** The lines of an event that the next lines may continue, or the parts of a line that a container runtime split. */
export class HeldLines {
  /** Offset of the first byte in the stream. */
  readonly offset: number;
  readonly retime: Chunk["retime"];
  readonly origin: Unwrapped | undefined;
  /** What decides whether the next line is added. */
  readonly event: EventLines;
  /** When a line was added last. */
  changedMs: number;
  bytes = 0;
  /** The position from which they can be read again. It is computed at the end of the chunk, for few events. */
  position: Position | undefined;
  /** In the present chunk: where the first line begins, and where the last one ends. */
  readonly #start: number;
  #end: number;
  /** The syslog header of the first line. */
  readonly #header: Uint8Array;
  readonly #bodies: Uint8Array[] = [];
  /** The lines with their envelopes, if they have any. */
  readonly #originals: Uint8Array[] = [];
  /** The bytes of an earlier chunk after the last line. */
  #gap: Uint8Array | undefined;

  constructor(line: LogLine, nowMs: number, event = PARTS) {
    this.event = event;
    this.offset = line.offset;
    this.retime = line.retime;
    this.origin = line.origin;
    this.changedMs = nowMs;
    this.#start = line.original.start;
    this.#end = endWithCr(line.original.bytes, line.original.end);
    this.#header = new Uint8Array(headerOf(line.line));
    this.#addBody(line);
    this.#addOriginal(line);
  }

  /** Adds a line to an event. */
  append(line: LogLine, nowMs: number): void {
    this.changedMs = nowMs;
    if (this.origin) {
      this.#keep(this.#bodies, LINE_END);
      this.#addBody(line);
      this.#addOriginal(line);
    } else this.#appendUnwrapped(line);
  }

  /** Adds the next part of the same line. */
  join(line: LogLine, nowMs: number): void {
    this.changedMs = nowMs;
    this.#addBody(line);
    this.#addOriginal(line);
  }

  /** Keeps what is needed when the next chunk replaces this one. */
  endChunk({ bytes, position, positionAt }: Chunk): void {
    this.position ??= positionAt?.(bytes.subarray(0, this.#start)) ?? position;
    if (this.origin) return;
    const rest = this.#gap ? Buffer.concat([this.#gap, bytes]) : bytes.subarray(this.#end);
    this.#gap = new Uint8Array(rest);
  }

  /** All of them as one line. */
  get logLine(): LogLine {
    const { origin, offset, retime, body, original } = this;
    const line = joinedLines(body.subarray(0, endWithoutCr(body)), this.#header, origin?.zone);
    const end = endWithoutCr(original);
    return { line, original: { bytes: original, start: 0, end }, origin, offset, retime };
  }

  get body(): Uint8Array {
    return Buffer.concat(this.#bodies);
  }

  /** All bytes from the beginning of the first line to the end of the last one, without its LF. */
  get original(): Uint8Array {
    return this.origin ? Buffer.concat(this.#originals) : this.body;
  }

  #addBody({ line }: LogLine): void {
    const end = this.origin ? line.end : endWithCr(line.bytes, line.end);
    this.#keep(this.#bodies, line.bytes.subarray(line.start, end));
  }

  #addOriginal({ original: { bytes, start, end } }: LogLine): void {
    if (!this.origin) return;
    if (this.#originals.length > 0) this.#keep(this.#originals, LINE_END);
    this.#keep(this.#originals, bytes.subarray(start, endWithCr(bytes, end)));
  }

  /** With the bytes between it and the line before, which may be empty lines. */
  #appendUnwrapped({ line: { bytes, end: lineEnd } }: LogLine): void {
    const end = endWithCr(bytes, lineEnd);
    if (this.#gap) {
      // The line end is missing after the beginning of an overlong line.
      this.#keep(this.#bodies, this.#gap.at(-1) === LF ? this.#gap : LINE_END);
      this.#keep(this.#bodies, bytes.subarray(0, end));
      this.#gap = undefined;
    } else this.#keep(this.#bodies, bytes.subarray(this.#end, end));
    this.#end = end;
  }

  #keep(parts: Uint8Array[], part: Uint8Array): void {
    // Copied, because the bytes of a chunk are valid until the next one is read.
    parts.push(new Uint8Array(part));
    this.bytes += part.length;
  }
}
