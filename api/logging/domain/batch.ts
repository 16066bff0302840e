import { isUtf8 } from "node:buffer";

import { type JsonLine, parseJsonLine } from "#collectors/formats/json-line.ts";
import { eachLine } from "#collectors/lines.ts";

import type { Normalise, Received, Refusal } from "./normalise.ts";

export const LINES_MAX = 10_000;

export type LineRefusal = Refusal & { line: number };
export type BatchVerdict = { lines: string[]; refused: LineRefusal[] };

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** The lines of an NDJSON body; blank lines are counted but are no documents. */
export function judgeLines(
  bytes: Uint8Array,
  normalise: Normalise,
  received: Received,
): BatchVerdict | "too many lines" {
  const hasMark = BYTE_ORDER_MARK.equals(bytes.subarray(0, BYTE_ORDER_MARK.length));
  const body = hasMark ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  const starts = lineStarts(body);
  const verdict: BatchVerdict = { lines: [], refused: [] };
  let documents = 0;
  eachLine({ bytes: body }, (lineStart, end) => {
    const start = textStart(body, lineStart, end);
    if (start === end) return;
    documents += 1;
    if (documents > LINES_MAX) return;
    const text = body.subarray(start, end);
    const parsed = parseText(text);
    const judged =
      "reason" in parsed
        ? { ok: false as const, refusal: noJson(parsed.reason) }
        : normalise(parsed.object, { ...received, original: () => textOf(text) });
    if (judged.ok) verdict.lines.push(judged.line);
    else verdict.refused.push({ line: starts.lineOf(start), ...judged.refusal });
  });
  return documents > LINES_MAX ? "too many lines" : verdict;
}

/** Unlike in log files, bytes that are no text are an error of the sender. */
const parseText = (line: Uint8Array): JsonLine =>
  isUtf8(line) ? parseJsonLine(line, 0, line.length) : { reason: "the line is not valid UTF-8" };

/** The text without the white space at its end. */
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().trimEnd();

const noJson = (message: string): Refusal => ({ field: "", code: "no_json", message });

/** Index after leading JSON white space. */
function textStart(body: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (body[at] === 0x20 || body[at] === 0x09 || body[at] === 0x0d)) at += 1;
  return at;
}

/** Returns the line number, from 1, of an offset; offsets must be ascending. */
function lineStarts(body: Uint8Array): { lineOf(at: number): number } {
  let line = 1;
  let from = 0;
  return {
    lineOf(at) {
      for (let next = body.indexOf(0x0a, from); next >= 0 && next < at;) {
        line += 1;
        from = next + 1;
        next = body.indexOf(0x0a, from);
      }
      return line;
    },
  };
}
