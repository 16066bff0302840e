import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { addDocument, toDocument } from "#collectors/document.ts";
import type { Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import type { IngestDeps } from "../ingest/ingest-deps.ts";
import { Ingest } from "../ingest/ingest.ts";
import { droppedOfPushed } from "../ingest/recognition.ts";
import { logSource } from "../ingest/testing-source.ts";
import { matches } from "../matches.ts";
import { parseQuery } from "../query-language.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Processing } from "./processing.ts";
import { rowTest } from "./row-test.ts";

const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
const PATH = "/srv/a.log";

const access = (path: string, status = 200): string =>
  `203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET ${path} HTTP/1.1" ${status} 5 "-" "Probe/1.0"\n`;

async function ingestLog(
  store: EventStore,
  {
    log,
    processing,
    cuts = [],
    about = { path: PATH },
    ...deps
  }: Omit<Partial<IngestDeps>, "processing"> & {
    log: string;
    processing: unknown;
    cuts?: number[];
    about?: Parameters<typeof logSource>[0];
  },
): Promise<Ingest> {
  const rules = Processing.parse(processing);
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, ...deps, store, processing: rules });
  await ingest.run(logSource(about, log, cuts), new AbortController().signal);
  return ingest;
}

async function originals(store: EventStore): Promise<string[]> {
  const events = await store.search({ ...ALL, where: [], limit: 10_000 });
  return events
    .toSorted((a, b) => Number(a.fields["log.offset"]) - Number(b.fields["log.offset"]))
    .map(({ fields }) => `${String(fields["event.original"])}\n`);
}

const STORES: [string, () => Promise<EventStore>][] = [
  ["in memory", async () => openMemoryStore()()],
  [
    "embedded",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "quarterdeck-drop-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      return openEmbeddedStore({ folder, clock: systemClock });
    },
  ],
];

describe.each(STORES)("in a store %s", (_name, open) => {
  test("events that a rule matches are not stored, and counted by rule and source", async () => {
    await using store = await open();
    const lines = [
      access("/healthz"),
      access("/a"),
      access("/healthz", 500),
      access("/b.css"),
      access("/c"),
    ];
    const processing = {
      drop: [
        { name: "health checks", where: "path:/healthz status<400" },
        { name: "styles", datasets: ["nginx.*"], where: "path:*.css" },
      ],
    };
    const log = [...lines, "no format can read this /healthz\n"].join("");
    const ingest = await ingestLog(store, { log, processing });
    expect(await originals(store)).toEqual([
      lines[1],
      lines[2],
      lines[4],
      log.split("\n")[5] + "\n",
    ]);
    expect(ingest.counts).toMatchObject({
      lines: 6,
      events: 3,
      quarantined: 1,
      dropped: 2,
      droppedByRule: { "health checks": 1, styles: 1 },
    });
    const [status] = ingest.statusWith([{ path: PATH, message: "read", level: "info" }]);
    expect(status?.message).toContain("dropped by rules: health checks 1, styles 1");
  });

  test("plain lines that are read in large chunks keep their fields and lines", async () => {
    await using store = await open();
    const lines = Array.from({ length: 8_000 }, (_, n) => access(n % 3 === 0 ? "/x" : `/u/${n}`));
    await ingestLog(store, {
      log: lines.join(""),
      processing: { drop: [{ name: "x", where: "path:/x" }] },
    });
    expect(await originals(store)).toEqual(lines.filter((_line, n) => n % 3 !== 0));
    const where = parseQuery("path:/u/*");
    expect(await store.search({ ...ALL, where, limit: 10_000 })).toHaveLength(5_333);
  });

  test("the position is that after the last lines, whichever stream of the source they are of", async () => {
    await using store = await open();
    const rules = Processing.parse({ drop: [{ name: "x", where: "path:/x" }] });
    const ingest = new Ingest({ ...DEPS, ...INTERVALS, store, processing: rules });
    const source: Source = {
      async *read() {
        for (const [n, stream] of ["a", "b", "a"].entries()) {
          const bytes = Buffer.from(access("/x") + access("/y"));
          const header = { stream, fields: {} };
          const position = { offset: (n + 1) * bytes.length };
          const offset = n * bytes.length;
          yield {
            sourceId: "src_test",
            path: "",
            bytes,
            header,
            position,
            offset,
            bytesSkipped: 0,
          };
        }
      },
    };
    await ingest.run(source, new AbortController().signal);
    const [position] = (await store.positions()).values();
    const { length } = access("/x") + access("/y");
    expect(position).toMatchObject({ offset: 3 * length, "stream.dropped": "x=3" });
  });

  test("the position moves on and the counts continue, also if every event of a batch is dropped", async () => {
    await using store = await open();
    const processing = { drop: [{ name: "all", where: "path:/x" }] };
    const log = access("/x").repeat(3);
    await ingestLog(store, { log, processing });
    const [position] = (await store.positions()).values();
    expect(position).toMatchObject({ offset: log.length, "stream.dropped": "all=3" });
    const more = log + access("/y") + access("/x");
    const again = await ingestLog(store, { log: more, processing });
    expect(again.counts).toMatchObject({ lines: 2, dropped: 1 });
    expect(await originals(store)).toEqual([access("/y")]);
    const [after] = (await store.positions()).values();
    expect(after).toMatchObject({ offset: more.length, "stream.dropped": "all=4" });
  });
});

test("of a sample the same events are kept when the log is read again, in whatever chunks", async () => {
  const log = Array.from({ length: 3_000 }, (_, n) => access(`/item/${n}`)).join("");
  const processing = { sample: [{ name: "items", where: "path:/item/*", keepOneIn: 10 }] };
  const kept = async (cuts: number[], sealAfterMs: number): Promise<string[]> => {
    await using store = openMemoryStore()();
    await ingestLog(store, { log, processing, cuts, sealAfterMs });
    return await originals(store);
  };
  const once = await kept([], 60_000);
  expect(once.length).toBeGreaterThan(220);
  expect(once.length).toBeLessThan(380);
  const lineEnds = [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
  expect(
    await kept(
      lineEnds.filter((_end, n) => n % 700 === 0),
      0,
    ),
  ).toEqual(once);
});

test("dropped events are neither live nor in frames", async () => {
  await using store = openMemoryStore()();
  const live: unknown[] = [];
  await ingestLog(store, {
    log: access("/secret-path") + access("/a"),
    processing: { drop: [{ name: "secret", where: "path:/secret-path" }] },
    onRows: (batch, from, to) => {
      for (let row = from; row < to; row += 1) live.push(toDocument(batch, row)["url.path"]);
    },
  });
  expect(live).toEqual(["/a"]);
});

test("what rules dropped of pushed events is in the status and in the position", async () => {
  await using store = openMemoryStore()();
  const lines = ["debug", "info"].map((level) =>
    JSON.stringify({
      "data_stream.dataset": "shop.app",
      "log.level": level,
      "@timestamp": "2026-03-14T10:11:12.000Z",
    }),
  );
  const ingest = await ingestLog(store, {
    log: `${lines.join("\n")}\n`,
    processing: { drop: [{ name: "debug", datasets: ["shop.*"], where: "level:debug" }] },
    about: { path: "", header: { format: "ecs", fields: {} } },
  });
  expect(ingest.statusWith([])).toEqual([
    { path: "pushed events", level: "info", message: "are received; dropped by rules: debug 1" },
  ]);
  expect(droppedOfPushed((await store.positions()).values())).toBe("dropped by rules: debug 1");
});

test("a rule without datasets and search, a wrong search and a wrong sample are refused", () => {
  const mistakes = (rules: unknown): string =>
    Processing.safeParse(rules)
      .error?.issues.map(({ message }) => message)
      .join("; ") ?? "";
  expect(mistakes({ drop: [{ name: "a" }] })).toBe(
    "give datasets, or where with a search, to select events",
  );
  expect(mistakes({ drop: [{ name: "a", where: "status:(500" }] })).toMatch(/column|\)/);
  expect(mistakes({ sample: [{ name: "a", where: "x", keepOneIn: 1 }] })).toMatch(/from 2 on/);
  expect(mistakes({ drop: [{ name: "a=b", where: "x" }] })).toMatch(/letters, digits/);
});

const value = fc.constantFrom("a", "B b", "10", "203.0.113.7", "x*y", "2026-03-14T10:11:12.000Z");
const document = fc.record(
  {
    "url.path": value,
    "user.name": value,
    "event.category": fc.array(value, { minLength: 1, maxLength: 2 }),
    "source.ip": fc.constant("203.0.113.7"),
    "http.response.status_code": fc.constantFrom(200, 404, 500),
    "@timestamp": fc.constant("2026-03-14T10:11:12.000Z"),
    "labels.shop": value,
    message: value,
  },
  { requiredKeys: [] },
);
const query = fc
  .array(
    fc.constantFrom(
      "path:a",
      "-user:*",
      "user:(a OR 10)",
      "category:10",
      "event.category:a",
      "status>=400",
      "status:2xx",
      "NOT status:200",
      "ip:203.0.113.0/24",
      "labels.shop:a",
      "-labels.shop:*",
      "b",
      "related.user:a",
      "@timestamp>2026-01-01",
      "path:x*",
      "(user:a OR message:a)",
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((terms) => terms.join(" "));

test("a row matches a search exactly if its document does", () => {
  fc.assert(
    fc.property(fc.array(document, { maxLength: 6 }), query, (documents, text) => {
      const batch = new Batch(4);
      for (const it of documents) addDocument(batch, it);
      const filter = parseQuery(text);
      const { test: isMatch } = rowTest(batch, filter);
      for (let row = 0; row < batch.rows; row += 1) {
        expect(isMatch(row)).toBe(matches(toDocument(batch, row), filter));
      }
    }),
  );
});

test("the rows that are kept have their fields and lines, and the next rows are empty", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(document, fc.string({ maxLength: 9 }), fc.boolean()), { maxLength: 12 }),
      fc.nat(4),
      (rows, from) => {
        const batch = new Batch(2);
        for (const [fields, line] of rows) {
          addDocument(batch, fields);
          const bytes = Buffer.from(line);
          batch.lines.put(batch.rows - 1, bytes, 0, bytes.length);
        }
        const all = rows.map((_row, row) => toDocument(batch, row));
        const fromRow = Math.min(from, rows.length);
        const isKept = (row: number): boolean => row < fromRow || rows[row]?.[2] === true;
        const kept = rows.flatMap((_row, row) => (row >= fromRow && isKept(row) ? [row] : []));
        batch.keep(fromRow, Uint32Array.from(kept));
        const expected = all.filter((_document, row) => isKept(row));
        expect(Array.from({ length: batch.rows }, (_, row) => toDocument(batch, row))).toEqual(
          expected,
        );
        addDocument(batch, {});
        expect(toDocument(batch, batch.rows - 1)).toEqual({});
      },
    ),
  );
});
