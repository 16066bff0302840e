import { describe, expect, test } from "vitest";

import { type Document, Parser, type ParseOptions } from "../parse.ts";
import { compileFormat } from "../user-formats/user-format.ts";
import { UTC } from "../zone.ts";
import { textOf } from "./bytes.ts";
import { FORMATS, formatNamed } from "./index.ts";
import { NOW_MS } from "./parse-lines.ts";
import { EVENTS } from "./testing-events.ts";
import { HOSTILE_LINES } from "./testing-hostile.ts";

const LF = Buffer.from("\n");
const INSERTION = Buffer.alloc(50_000, '\\"x');

const PATTERNS = {
  "your.grok":
    '%{IPORHOST:source.address} %{DATA:user.name} "%{DATA:url.original}" %{GREEDYDATA:message}',
  "your.expression": "^(?<level>\\w+)(?:\\s+|,|(?:a|aa)+)+(?<message>.*)$",
};
const USER_FORMATS = Object.entries(PATTERNS).map(([name, pattern]) => {
  const compiled = compileFormat({ name, pattern });
  if (!compiled.ok) throw new Error(`${name} does not compile`);
  return compiled.format;
});
const ALL = [...FORMATS, ...USER_FORMATS].map((format) => [format.dataset, format] as const);

describe.each(ALL)("%s loses nothing", (dataset, format) => {
  const events = (EVENTS[dataset] ?? [])
    .flatMap((event) => event.split("\n"))
    .map((line) => Buffer.from(line));
  const [first] = events;

  test.each(Object.entries(HOSTILE_LINES))("of %s", (_name, hostile) => {
    const lines = first ? [first, hostile, ...events] : [hostile];
    expectAll(lines, { format, mode: "lines" });
    expectAll(lines, { format, mode: "text" });
  });

  test("of its own events, each cut at any place or with a long insertion", () => {
    const lines = events.flatMap((line) => [...cut(line), ...withInsertions(line)]);
    expectAll(lines, { format, mode: "lines" });
    expectAll(lines, { format, mode: "text" });
  }, 300_000);
});

test.each(Object.entries(HOSTILE_LINES))(
  "%s is not lost if any format may read it",
  (_name, line) => {
    expectAll([line, line], { format: formatNamed("nginx.access"), mode: "text", hasOthers: true });
  },
);

test("no line changes the objects of the program", () => {
  for (const [, format] of ALL)
    documentsOf(Object.values(HOSTILE_LINES), { format, mode: "lines" });
  expect(Object.keys(Object.prototype)).toEqual([]);
});

const cut = (line: Uint8Array): Uint8Array[] =>
  Array.from({ length: 20 }, (_, part) =>
    line.subarray(0, Math.ceil((line.length * (part + 1)) / 20)),
  );

const withInsertions = (line: Uint8Array): Uint8Array[] =>
  [0.25, 0.5, 0.75].map((part) => {
    const at = Math.floor(line.length * part);
    return Buffer.concat([line.subarray(0, at), INSERTION, line.subarray(at)]);
  });

type Reading = Pick<ParseOptions, "format" | "mode" | "hasOthers">;

function documentsOf(lines: readonly Uint8Array[], reading: Reading): Document[] {
  const rules = { signIn: [], signOut: [] };
  const parser = new Parser({ ...reading, zone: UTC, nowMs: NOW_MS, all: true, rules });
  const input = Buffer.concat(lines.flatMap((line) => [line, LF]));
  return [...parser.push(input), ...parser.end()];
}

/** Expects each line in the original of an event or of one that cannot be parsed; header lines are neither. */
function expectAll(lines: readonly Uint8Array[], reading: Reading): void {
  const { format } = reading;
  const documents = documentsOf(lines, reading);
  const originals = documents.flatMap((document) => String(document["event.original"]).split("\n"));
  const isHeader = (line: Uint8Array): boolean =>
    format.headerLine?.(line, 0, line.length) !== undefined;
  const expected = lines
    .filter((line) => !isHeader(line))
    .map((line) => textOf(line, 0, line.length));
  expect(originals.map(digest).toSorted()).toEqual(expected.map(digest).toSorted());
}

/** Short, as a difference of long lines is not readable. */
const digest = (line: string): string => `${line.slice(0, 40)}… ${line.length}`;
