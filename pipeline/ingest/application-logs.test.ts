import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { ingested } from "./testing-ingested.ts";
import { logSource } from "./testing-source.ts";

const time = (i: number): string => `2026-03-14T10:11:${String(i % 60).padStart(2, "0")}.000Z`;
const application = (i: number): string =>
  JSON.stringify({ level: 30, time: time(i), pid: 7, hostname: "web-1", msg: `saved ${i}` });
const access = (i: number): string =>
  JSON.stringify({
    time_iso8601: time(i),
    remote_addr: "203.0.113.9",
    request_method: "GET",
    request_uri: `/${i}`,
    status: "200",
  });
const combined = (i: number): string =>
  `203.0.113.9 - - [14/Mar/2026:10:11:${String(i % 60).padStart(2, "0")} +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"`;
const many = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i));

async function counts(lines: readonly string[]): Promise<Record<string, number>> {
  const log = lines.map((line) => `${line}\n`).join("");
  const { store } = await ingested(log, { path: "/srv/app.log", clock: systemClock });
  return rowsOf(store);
}

async function rowsOf(store: EventStore): Promise<Record<string, number>> {
  return Object.fromEntries((await store.extents()).map(({ dataset, rows }) => [dataset, rows]));
}

test("access lines in the log of an application are those of the server that wrote them", async () => {
  const lines = many(300, (i) =>
    i % 3 === 1 ? access(i) : i % 3 === 2 ? combined(i) : application(i),
  );
  expect(await counts([...many(50, application), ...lines])).toEqual({
    "app.json": 150,
    "nginx.access": 200,
  });
});

test("lines of an application in an access log are not access lines", async () => {
  const lines = many(300, (i) => (i % 3 === 0 ? application(i) : access(i)));
  expect(await counts(lines)).toEqual({ "app.json": 100, "nginx.access": 200 });
});

const TRACES = {
  Java: "java.lang.IllegalStateException: no cart\n\tat com.example.Shop.pay(Shop.java:9)\nCaused by: java.io.IOException: closed\n\t... 12 more",
  Python:
    'Traceback (most recent call last):\n  File "pay.py", line 3, in pay\n    charge()\nshop.Declined: no cart',
  Node: "TypeError: no cart\n    at pay (/srv/pay.js:3:9) {\n  code: 'E_CART'\n}",
  Go: "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x39",
};
const line = (i: number): string =>
  `2026-03-14 10:11:12,345 ERROR [main] com.example.Shop: declined ${i}`;
const ways = {
  plain: (text: string) => text,
  "in CRI": (text: string) => `2026-03-14T10:11:12.345678901Z stderr F ${text}`,
  "in Docker's json-file": (text: string) =>
    JSON.stringify({ log: `${text}\n`, stream: "stderr", time: "2026-03-14T10:11:12.3Z" }),
};

/** The messages and traces of a log that is read in chunks which end at these offsets. */
async function events(log: string, cuts: readonly number[] = []) {
  const store = openMemoryStore()();
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  const ending = new AbortController();
  await ingest.run(logSource({ path: "/srv/app.log" }, log, cuts), ending.signal);
  const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const found = await store.search({ ...range, where: [], limit: 100 });
  return found
    .map(({ fields }) => fields)
    .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]))
    .map((fields) => [
      fields["data_stream.dataset"],
      fields["message"],
      fields["error.stack_trace"],
    ]);
}

describe("a stack trace belongs to the event before it, wherever chunks end", () => {
  test.each(
    Object.entries(TRACES).flatMap(([language, trace]) =>
      Object.entries(ways).map(([way, wrap]) => [language, way, { trace, wrap }] as const),
    ),
  )("%s, %s", async (_language, _way, { trace, wrap }) => {
    const lines = [line(1), ...trace.split("\n"), line(2), ...trace.split("\n"), line(3)];
    const log = lines.map((text) => `${wrap(text)}\n`).join("");
    const expected = [
      ["app.log", "declined 1", trace],
      ["app.log", "declined 2", trace],
      ["app.log", "declined 3", undefined],
    ];
    expect(await events(log)).toEqual(expected);
    const ends = [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
    await fc.assert(
      fc.asyncProperty(fc.subarray(ends), async (cuts) => {
        expect(await events(log, cuts)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });
});

test("an error that ends a program which logs JSON is an event of its own", async () => {
  const log = [application(1), ...TRACES.Python.split("\n"), application(2)].join("\n");
  expect(await events(`${log}\n`)).toEqual([
    ["app.json", "saved 1", undefined],
    ["app.log", "shop.Declined: no cart", TRACES.Python],
    ["app.json", "saved 2", undefined],
  ]);
});
