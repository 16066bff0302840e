import * as fc from "fast-check";
import { expect, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const DEPS = {
  clock: systemClock,
  rules: { signIn: [], signOut: [] },
  zone: UTC,
  sealAfterMs: 60_000,
  foldEveryMs: 60_000,
};
const NOON = "2026-03-14 12:00:00.000 UTC";

/** Logs with events of several lines: a title, the dataset, and the lines of each event. */
const LOGS: [string, string, string[][]][] = [
  [
    "statements and a plan of PostgreSQL",
    "postgresql.log",
    [
      [`${NOON} [7] ann@shop LOG:  statement: select 1,`, "\t\t2", "\tfrom t;"],
      [`${NOON} [7] ann@shop ERROR:  no`],
      [`${NOON} [7] ann@shop STATEMENT:  select`, '\t{"@timestamp":"2026-01-01T00:00:00Z"}'],
      [
        `${NOON} [7] ann@shop LOG:  duration: 5.0 ms  plan:`,
        "\tQuery Text: select 1",
        "\tResult  (cost=0.00..0.01 rows=1 width=4)",
      ],
      [`${NOON} [8] LOG:  checkpoint starting: time`],
    ],
  ],
  [
    "csvlog of PostgreSQL",
    "postgresql.log",
    [
      [
        `${NOON},,,7,,69b5.7,1,,${NOON},,0,LOG,00000,"automatic vacuum`,
        "pages: 0",
        'x",,,,,,,,,""',
      ],
      [`${NOON},,,7,,69b5.7,2,,${NOON},,0,LOG,00000,"one line",,,,,,,,,""`],
      [`${NOON},"a","b",7,,69b5.7,3,,${NOON},,0,LOG,00000,"select ""`, "", '"", 2",,,,,,,,,""'],
    ],
  ],
];

test.each(LOGS)(
  "%s: an event is the same, wherever reading pauses",
  async (_title, dataset, events) => {
    const texts = events.map((lines) => lines.join("\n"));
    const log = texts.map((text) => `${text}\n`).join("");
    const lineStarts = [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
    await fc.assert(
      fc.asyncProperty(fc.subarray(lineStarts), async (cuts) => {
        await using store = openMemoryStore()();
        const source = logSource({ path: "/srv/db.log" }, log, cuts);
        await new Ingest({ ...DEPS, store }).run(source, new AbortController().signal);
        const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
        const found = await store.search({ ...range, where: [], limit: 100 });
        const stored = found
          .map(({ fields }) => fields)
          .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
        expect(stored.map((fields) => fields["event.original"])).toEqual(texts);
        for (const fields of stored) expect(fields["data_stream.dataset"]).toBe(dataset);
      }),
      { numRuns: 30 },
    );
  },
);
