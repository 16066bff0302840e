import { randomBytes } from "node:crypto";

import { z } from "zod";

import type { RecordHeader } from "#collectors/source.ts";

/**
 * A segment consists of lines and header lines: a header applies to all lines up to the next one. A header line is
 * the segment's mark, the header as JSON, and a line end. The mark is random, so that no pushed line can be mistaken
 * for a header line. A segment begins with a header line, unless it was written by a version without headers.
 */
const RECORD_SEPARATOR = 0x1e;
const MARK_RANDOM_BYTES = 16;
export const MARK_BYTES = 1 + 2 * MARK_RANDOM_BYTES;
const LF = 0x0a;

// Not z.record, which drops a field named __proto__.
const Fields = z.custom<RecordHeader["fields"]>(
  (it) =>
    typeof it === "object" &&
    it !== null &&
    Object.values(it).every((value) => typeof value === "string"),
);

const Header: z.ZodType<RecordHeader> = z.object({
  format: z.string().exactOptional(),
  dataset: z.string().exactOptional(),
  fields: Fields,
});

/** The header of segments without headers. */
export const ECS_LINES: RecordHeader = { format: "ecs", fields: {} };

export function newMark(): string {
  return String.fromCharCode(RECORD_SEPARATOR) + randomBytes(MARK_RANDOM_BYTES).toString("hex");
}

/** The mark of a segment that begins with these bytes; undefined if it has no headers. */
export function markOf(start: Buffer): string | undefined {
  return start[0] === RECORD_SEPARATOR ? start.toString("latin1", 0, MARK_BYTES) : undefined;
}

export const headerLine = (mark: string, json: string): string => `${mark}${json}\n`;

export type HeaderLine = { header: RecordHeader; end: number };

/** The header line at `start`; undefined if its end is not in the bytes. A damaged header has an unknown format. */
export function headerAt(bytes: Buffer, start: number): HeaderLine | undefined {
  const end = bytes.indexOf(LF, start);
  if (end < 0) return undefined;
  const json = bytes.toString("utf8", start + MARK_BYTES, end);
  return { header: parsedHeader(json), end: end + 1 };
}

function parsedHeader(json: string): RecordHeader {
  try {
    return Header.parse(JSON.parse(json));
  } catch {
    return { format: "unreadable record header", fields: {} };
  }
}
