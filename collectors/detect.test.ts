import { describe, expect, test } from "vitest";

import { detectFormat } from "./detect.ts";
import { FORMATS } from "./formats/index.ts";
import { EVENTS } from "./formats/testing-events.ts";
import { type Document, Parser } from "./parse.ts";
import { UTC } from "./zone.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
/** Its lines are a time and any text, so that they are only read with the name of the dataset. */
const NEVER_DETECTED = new Set(["aws.cloudwatch"]);
/** Requests of several servers in one log are not distinguished. */
const READ_AS_OTHER = new Set([
  "apache.access",
  "varnish.access",
  "traefik.access",
  // Beside objects in single lines it is read as these are.
  "app.pretty_json",
]);
const DETECTED = Object.entries(EVENTS).filter(([dataset]) => !NEVER_DETECTED.has(dataset));
/** What container runtimes and syslog daemons put around each line. */
const ENVELOPES: Readonly<Record<string, (line: string) => string>> = {
  Docker: (line) =>
    JSON.stringify({ log: `${line}\n`, stream: "stdout", time: "2026-03-14T10:11:12.3Z" }),
  CRI: (line) => `2026-03-14T10:11:12.345678901Z stdout F ${line}`,
};

test("every format has events here", () => {
  expect(Object.keys(EVENTS).toSorted()).toEqual(FORMATS.map(({ dataset }) => dataset).toSorted());
});

describe.each(DETECTED)("%s is recognised", (dataset, events) => {
  test("by its first event", () => {
    expect(detected(events.slice(0, 1))).toBe(dataset);
  });

  test("by any single event", () => {
    const found = events.map((event) => detected([event]));
    expect(found).toEqual(events.map(() => dataset));
  });

  test("by all events, each of which it reads", () => {
    expect(detected(events)).toBe(dataset);
    expect(datasetsIn(lines(events))).toEqual(withoutHeader(events).map(() => dataset));
  });

  test.each(Object.entries(ENVELOPES))("in an envelope of %s", (_name, wrap) => {
    if (hasHeader(events)) return;
    const text = lines(events.join("\n").split("\n").map(wrap));
    expect(datasetsIn(text)).toEqual(events.map(() => dataset));
  });
});

test("each event of a log of all formats has its own dataset", () => {
  const all = DETECTED.filter(
    ([dataset, events]) => !hasHeader(events) && !READ_AS_OTHER.has(dataset),
  );
  const mixed = [0, 1].flatMap((index) =>
    all.flatMap(([dataset, events]) => {
      const event = events[index];
      return event === undefined ? [] : [[event, dataset] as const];
    }),
  );
  const documents = documentsIn(lines(mixed.map(([event]) => event)));
  const found = documents.map(
    (document) => [document["event.original"], document["data_stream.dataset"]] as const,
  );
  expect(new Map<unknown, unknown>(found)).toEqual(new Map(mixed));
});

test("a syslog file is recognised although some lines name no program", () => {
  const repeated = "Mar 14 10:11:13 --- last message repeated 2 times ---";
  const found = detected([...(EVENTS["system.syslog"] ?? []), repeated]);
  expect(found).toBe("system.syslog");
});

const lines = (events: readonly string[]): string => `${events.join("\n")}\n`;

const detected = (events: readonly string[]): string | undefined =>
  detectFormat(Buffer.from(lines(events))).format?.dataset;

const hasHeader = ([first = ""]: readonly string[]): boolean =>
  first.startsWith("#Software") || first.startsWith("#Version") || first.startsWith("version ");

const withoutHeader = (events: readonly string[]): readonly string[] =>
  hasHeader(events) ? events.slice(1) : events;

/** The datasets of the events of a log. */
const datasetsIn = (text: string): unknown[] =>
  documentsIn(text).map((document) => document["data_stream.dataset"]);

/** The documents of a log whose format is detected. */
function documentsIn(text: string): Document[] {
  const bytes = Buffer.from(text);
  const { format } = detectFormat(bytes);
  if (!format) return [];
  const parser = new Parser({
    format,
    hasOthers: true,
    mode: "text",
    zone: UTC,
    nowMs: NOW_MS,
    all: true,
    rules: { signIn: [], signOut: [] },
  });
  return [...parser.push(bytes), ...parser.end()];
}
