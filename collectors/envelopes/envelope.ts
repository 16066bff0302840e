import type { Format, FormatContext } from "../format.ts";
import type { Priority } from "../formats/syslog-priority.ts";
import type { Zone } from "../zone.ts";

/** The bytes of a line in [start, end), without its line end. */
export type Line = { bytes: Uint8Array; start: number; end: number };

/** A line without its envelopes; `withHeader`: with its syslog header, if it has one, whose offset is the `zone`. */
export type ReadableLine = Line & {
  withHeader?: Line;
  zone?: Zone;
  /** Reads the line if no other format can. */
  fallback?: Format | undefined;
};

/** The syslog header before the line; empty if it has none. */
export const headerOf = ({ bytes, start, withHeader }: ReadableLine): Uint8Array =>
  bytes.subarray(withHeader?.bytes === bytes ? withHeader.start : start, start);

/** The lines of an event as one line, with the header and the zone of the first one. */
export function joinedLines(body: Uint8Array, header: Uint8Array, zone?: Zone): ReadableLine {
  const bytes = header.length === 0 ? body : Buffer.concat([header, body]);
  const withHeader = { bytes, start: 0, end: bytes.length };
  return { ...withHeader, start: header.length, withHeader, ...(zone && { zone }) };
}

/** What an envelope states about the program that wrote the line. */
export type Origin = {
  /** `stdout` or `stderr`. */
  stream?: string | undefined;
  container?: string | undefined;
  host?: string | undefined;
  process?: string | undefined;
  pid?: number | undefined;
  priority?: Priority | undefined;
  /** Other ECS fields of the event, unless the line states them itself. */
  fields?: Readonly<Record<string, string>> | undefined;
};

/** What a container runtime, a syslog daemon or a terminal put before a line, or around it. */
export type Envelope = Origin & {
  /** The line as its program wrote it. */
  body: Line;
  /** When the line was written or received, epoch ms; NaN if it is unknown. */
  timeMs: number;
  /** Whether the body is continued in the next envelope of the same origin. */
  isPartial?: boolean;
  /** Whether a container runtime wrote it, whose files have the container in their path. */
  isContainer?: boolean;
  isSyslog?: boolean;
  /** The zone of the program's own times, if the header's time has an offset. */
  zone?: Zone;
  /** Reads the body if no other format can: what the body is of is known. */
  fallback?: Format;
};

/** Finds an envelope of one kind. */
export type FindEnvelope = (line: Line, context: FormatContext) => Envelope | undefined;

/** The text of the line's beginning, a character for each byte. */
export function headText({ bytes, start, end }: Line, lengthMax: number): string {
  const { buffer, byteOffset } = bytes;
  const length = Math.min(end - start, lengthMax);
  return Buffer.from(buffer, byteOffset + start, length).toString("latin1");
}

/** The line without its first `length` bytes. */
export const after = ({ bytes, start, end }: Line, length: number): Line => ({
  bytes,
  start: Math.min(start + length, end),
  end,
});
