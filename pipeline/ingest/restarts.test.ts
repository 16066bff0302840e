import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { fileSource } from "#collectors/sources/files.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";

const access = (n: number): string =>
  `203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET /${n} HTTP/1.1" 200 5 "-" "Probe/1.0"`;
const error = (n: number): string => `2026/03/14 10:11:12 [error] 1#1: *5 ${n} failed`;
const cri = (tag: string, line: string): string =>
  `2026-03-14T10:11:12.345678901Z stdout ${tag} ${line}`;

const LOGS = {
  "an event of several lines": [
    access(1),
    error(2),
    "  at step 1",
    "  at step 2",
    access(3),
    error(4),
    "  at end",
    access(5),
  ],
  "a line in parts, of CRI": [
    cri("F", access(1)),
    cri("P", access(2).slice(0, 20)),
    cri("P", access(2).slice(20, 50)),
    cri("F", access(2).slice(50)),
    cri("F", error(3)),
    cri("F", "  at step 1"),
    cri("F", access(4)),
  ],
  "a log whose header lines name the fields": [
    "#Fields: date time cs-method sc-status s-sitename cs-version cs-username",
    "2026-03-14 10:11:12 GET 200 W3SVC1 HTTP/1.1 -",
    "2026-03-14 10:11:13 GET 404 W3SVC1 HTTP/1.1 ann",
    "#Fields: time cs-method date sc-status x-first",
    "10:11:14 PUT 2026-03-14 200 1",
    "10:11:15 PUT 2026-03-14 200 2",
  ],
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Follows the file until all its complete lines were read, and stops. */
async function follow(store: EventStore, path: string, bytes: number): Promise<void> {
  const stop = new AbortController();
  await using source = fileSource({ paths: [path], follow: true, clock: systemClock });
  const intervals = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
  const rules = { signIn: [], signOut: [] };
  const ingest = new Ingest({ store, clock: systemClock, rules, zone: UTC, ...intervals });
  const running = ingest.run(source, stop.signal);
  await until(() => ingest.counts.bytes >= bytes);
  stop.abort();
  await running;
}

/** Reads the log, which was written up to each of the cuts and then completely, with a restart after each. */
async function read(log: string, cuts: readonly number[]): Promise<unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-"));
  try {
    const path = join(folder, "app.log");
    await writeFile(path, "");
    await using store = openMemoryStore()();
    let from = 0;
    for (const to of [...cuts, log.length]) {
      await appendFile(path, log.slice(from, to));
      // What is held after a stop is read again.
      const positions = [...(await store.positions()).values()];
      const stored = Number(positions[0]?.["offset"] ?? 0);
      // A log is identified, and read, when it has a line that is no comment.
      const isRead = /^[^#\n].*\n/m.test(log.slice(0, to));
      await follow(store, path, isRead ? log.lastIndexOf("\n", to - 1) + 1 - stored : 0);
      from = to;
    }
    const found = await events(store);
    expect(found.filter((it) => it["error.message"] !== undefined)).toEqual([]);
    return found.map((it) => it["event.original"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function events(store: EventStore) {
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 1_000 };
  const found = (await store.search(all)).map(({ fields }) => fields);
  return found.toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
}

/** The lines of each event, by the numbers of the lines in the log. */
const EXPECTED = {
  "an event of several lines": [[0], [1, 2, 3], [4], [5, 6], [7]],
  "a line in parts, of CRI": [[0], [1, 2, 3], [4, 5], [6]],
  "a log whose header lines name the fields": [[1], [2], [4], [5]],
};

test.each([
  "an event of several lines",
  "a line in parts, of CRI",
  "a log whose header lines name the fields",
] as const)("restarts at any byte lose, split and double nothing: %s", async (kind) => {
  const lines = LOGS[kind];
  const log = lines.map((line) => `${line}\n`).join("");
  const expected = EXPECTED[kind].map((numbers) => numbers.map((n) => lines[n]).join("\n"));
  const starts = [...log.matchAll(/\n/g)].map(({ index }) => index + 1).slice(0, -1);
  const cut = fc.oneof(fc.constantFrom(...starts), fc.integer({ min: 1, max: log.length - 1 }));
  const cuts = fc.uniqueArray(cut, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(cuts, async (at) => {
      expect(
        await read(
          log,
          at.toSorted((a, b) => a - b),
        ),
      ).toEqual(expected);
    }),
    { numRuns: 25, examples: [[starts.slice(1, 4)]] },
  );
});
