import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { eachLine } from "#collectors/lines.ts";

import type { Normalise, Received, Refusal } from "./normalise.ts";

export const LINES_MAX = 10_000;

export type LineRefusal = Refusal & { line: number };
export type BatchVerdict = { lines: string[]; refused: LineRefusal[] };

/** Every line of an NDJSON body on its own; empty lines count as lines and are no documents. */
export function judgeLines(
  body: Uint8Array,
  normalise: Normalise,
  received: Received,
): BatchVerdict | "too many lines" {
  const starts = lineStarts(body);
  const verdict: BatchVerdict = { lines: [], refused: [] };
  let documents = 0;
  eachLine({ bytes: body }, (start, end) => {
    documents += 1;
    if (documents > LINES_MAX) return;
    const parsed = parseJsonLine(body, start, end);
    const judged =
      "reason" in parsed
        ? { ok: false as const, refusal: { field: "", code: "no_json", message: parsed.reason } }
        : normalise(parsed.object, received);
    if (judged.ok) verdict.lines.push(judged.line);
    else verdict.refused.push({ line: starts.lineOf(start), ...judged.refusal });
  });
  return documents > LINES_MAX ? "too many lines" : verdict;
}

/** Tells the number of the line, from 1, in which a place lies; asked in rising order. */
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
