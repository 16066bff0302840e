import { Parser, type Document } from "../parse.ts";
import { zoneOf } from "../zone.ts";
import { formatNamed } from "./index.ts";

/** For tests: the current time, and a combined line with its time. */
export const NOW_MS = Date.UTC(2026, 10, 23, 12);
export const AT = "[14/Mar/2026:10:11:12 +0100]";
export const COMBINED = `203.0.113.9 - ann ${AT} "GET /shop?id=7 HTTP/2.0" 200 512 "https://shop.example/" "Probe/1.0"`;

/** For tests: all documents of an input with all fields, in a zone one hour east of UTC. */
export function parseLines(
  dataset: string,
  input: string | Uint8Array,
  mode: "lines" | "text" = "lines",
): Document[] {
  const format = formatNamed(dataset);
  const zone = zoneOf("+01:00");
  const parser = new Parser({
    format,
    mode,
    zone,
    nowMs: NOW_MS,
    all: true,
    rules: { signIn: [], signOut: [] },
  });
  return [...parser.push(Buffer.from(input)), ...parser.end()];
}

/** For tests: the document of exactly one line. */
export function parseLine(dataset: string, line: string): Document {
  const [document, ...more] = parseLines(dataset, line);
  if (document === undefined || more.length > 0)
    throw new Error(`not one document: ${line.slice(0, 200)}`);
  return document;
}
