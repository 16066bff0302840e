import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

import { z } from "zod";

import type { RecordHeader } from "#collectors/source.ts";

/**
 * A segment consists of blocks: a header line, and lines to which the header applies. A header line is the segment's
 * mark, the header as JSON, and a line end. The mark is random, so that no pushed line can be mistaken for a header line.
 * The JSON begins with the checksum of the rest of the header line, and has the size and the checksum of the lines.
 * Earlier versions wrote no checksums, with lines up to the next header line, or no headers at all.
 */
const RECORD_SEPARATOR = 0x1e;
const MARK_RANDOM_BYTES = 16;
const MARK_BYTES = 1 + 2 * MARK_RANDOM_BYTES;
const LF = 0x0a;

// Not z.record, which drops a field named __proto__.
const Texts = z.custom<Readonly<Record<string, string>>>(
  (it) =>
    typeof it === "object" &&
    it !== null &&
    Object.values(it).every((value) => typeof value === "string"),
);

const Header: z.ZodType<RecordHeader> = z.object({
  format: z.string().exactOptional(),
  dataset: z.string().exactOptional(),
  stream: z.string().exactOptional(),
  message: z.literal("line").exactOptional(),
  unreadDataset: z.string().exactOptional(),
  identities: z.string().exactOptional(),
  identity: z.string().exactOptional(),
  request: z.string().exactOptional(),
  packed: z.object({ parts: Texts, messageBytes: z.number().int().min(0) }).exactOptional(),
  receivedMs: z.number().exactOptional(),
  readTo: z.object({ connection: z.string(), offset: z.number() }).exactOptional(),
  fields: Texts,
  source: z.string().max(100).exactOptional(),
});

/** The header of segments without headers. */
export const ECS_LINES: RecordHeader = { format: "ecs", fields: {} };

/** The header of damaged lines: its format does not exist, so they are quarantined. */
export const DAMAGED_LINES: RecordHeader = {
  format: "of a damaged record",
  fields: {},
};

/** The lines after a header. */
const Lines = z.object({ bytes: z.number().int().min(0), crc32: z.number().int().min(0) });
const Checked = z.object({ lines: Lines });

export function newMark(): string {
  return String.fromCharCode(RECORD_SEPARATOR) + randomBytes(MARK_RANDOM_BYTES).toString("hex");
}

const CHECK = '{"check":"';
const CHECK_DIGITS = 8;
const CHECK_END = CHECK.length + CHECK_DIGITS + '",'.length;
/** A header line with a checksum, with any mark, after a line end. */
const ANY_HEADER = /\n(.[0-9a-f]{32})\{"check":"[0-9a-f]{8}",/g;

/**
 * The mark of a segment that begins with these bytes, undefined if it has no headers; and whether its headers have
 * checksums. If the first header is damaged, the mark is that of the next one.
 */
export function markOf(start: Buffer): { mark: string | undefined; isChecked: boolean } {
  const text = start.toString("latin1");
  const isChecked = text.startsWith(CHECK, MARK_BYTES);
  const mark = text.slice(0, MARK_BYTES);
  if (!isChecked) return { mark: start[0] === RECORD_SEPARATOR ? mark : undefined, isChecked };
  if (headerAt(start, 0, true)?.header !== DAMAGED_LINES) return { mark, isChecked };
  for (const { index, 1: other } of text.matchAll(ANY_HEADER)) {
    if (headerAt(start, index + 1, true)?.header !== DAMAGED_LINES)
      return { mark: other, isChecked };
  }
  return { mark, isChecked };
}

/** The header line of a block. `json` is the header. */
export function headerLine(mark: string, json: string, lines: Uint8Array): string {
  const described = JSON.stringify({ lines: { bytes: lines.length, crc32: crc32(lines) } });
  const rest = `${described.slice(1, -1)},${json.slice(1)}`;
  return `${mark}${CHECK}${checkOf(mark, rest)}",${rest}\n`;
}

const checkOf = (mark: string, rest: string): string =>
  crc32(rest, crc32(mark)).toString(16).padStart(CHECK_DIGITS, "0");

/** `lines` describes the lines of the block; undefined if they reach up to the next header line. */
export type HeaderLine = {
  header: RecordHeader;
  end: number;
  lines: z.infer<typeof Lines> | undefined;
};

/**
 * The header line at `start`; undefined if its end is not in the bytes. In a segment whose headers have checksums, a header
 * without a valid one is damaged.
 */
export function headerAt(bytes: Buffer, start: number, isChecked: boolean): HeaderLine | undefined {
  const end = bytes.indexOf(LF, start);
  if (end < 0) return undefined;
  const mark = bytes.toString("latin1", start, start + MARK_BYTES);
  const json = bytes.toString("utf8", start + MARK_BYTES, end);
  if (!isChecked) return { header: parsedHeader(json), end: end + 1, lines: undefined };
  const begin = `${CHECK}${checkOf(mark, json.slice(CHECK_END))}",`;
  const isIntact = json.startsWith(begin);
  if (!isIntact) return { header: DAMAGED_LINES, end: end + 1, lines: undefined };
  const parsed: unknown = JSON.parse(json);
  const { lines } = Checked.parse(parsed);
  return { header: headerOf(parsed), end: end + 1, lines };
}

/** Whether these are the lines that the header describes. */
export const areIntact = (lines: Uint8Array, expected: z.infer<typeof Lines>): boolean =>
  lines.length === expected.bytes && crc32(lines) === expected.crc32;

const UNREADABLE: RecordHeader = { format: "unreadable record header", fields: {} };

function parsedHeader(json: string): RecordHeader {
  try {
    return headerOf(JSON.parse(json));
  } catch {
    return UNREADABLE;
  }
}

const headerOf = (parsed: unknown): RecordHeader => {
  const { success, data } = Header.safeParse(parsed);
  return success ? data : UNREADABLE;
};
