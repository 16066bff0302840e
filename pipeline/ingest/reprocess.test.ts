import { mkdtemp, open as openFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { formatNamed } from "#collectors/formats/index.ts";
import type { RecordHeader } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { DATASETS_MAX, OVERFLOW_DATASET } from "../datasets.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { type Reprocessed, reprocess } from "./reprocess.ts";
import { LEFT } from "./reread-rows.ts";
import { logSource } from "./testing-source.ts";

const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const QUARANTINE = "quarterdeck.quarantine";

const line = (i: number): string =>
  `203.0.113.${i % 9} - - [14/Mar/2026:10:${String(10 + Math.floor(i / 60)).padStart(2, "0")}:${String(i % 60).padStart(2, "0")} +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;
const LOG = Array.from({ length: 150 }, (_, i) => (i % 10 === 9 ? `junk ${i}\n` : line(i))).join(
  "",
);

type About = { path?: string; header?: RecordHeader };
/** The sender names a format that does not fit. */
const WRONG: RecordHeader = { format: "ecs", fields: {} };

async function ingestAs(store: EventStore, { path = "/srv/a.log", header }: About) {
  const ingest = new Ingest({ ...DEPS, store, sealAfterMs: 60_000, foldEveryMs: 60_000 });
  const source = logSource({ path, ...(header && { header }) }, LOG);
  await ingest.run(source, new AbortController().signal);
}

/** The result for so many quarantined lines, of which `unreadable` stay in quarantine. */
const doneWith = (lines: number, events: [string, number][] = [], unreadable = 0): Reprocessed => ({
  lines,
  events: new Map(events),
  same: 0,
  left: new Map(unreadable === 0 ? [] : [[LEFT.unreadable, unreadable]]),
});

/** The events of a dataset, and all its cells. */
async function contents(store: EventStore, dataset: string) {
  const where = [{ field: "data_stream.dataset", op: "eq", value: dataset }] as const;
  const events = await store.search({ ...ALL, where: [...where], limit: 1_000 });
  const measures = ["events", "requests", "bytes_sent", "users", "routes", "response_time"];
  const cells = await Promise.all(
    ([60, 3600] as const).map((levelS) =>
      store.cells({ ...ALL, levelS, measures, dataset, stepMs: levelS * 1000 }),
    ),
  );
  const sorted = cells
    .flat()
    .map(({ sketches, ...it }) => JSON.stringify({ ...it, sketches: sketches.length }));
  return { events, cells: sorted.toSorted() };
}

const STORES: [string, () => Promise<EventStore>][] = [
  ["in memory", async () => openMemoryStore()()],
  [
    "embedded",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "quarterdeck-reprocess-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      return openEmbeddedStore({ folder, clock: systemClock });
    },
  ],
];

describe.each(STORES)("quarantined lines that can be parsed now, in a store %s", (_name, open) => {
  test("become the events, and the cells, that they would have been at first", async () => {
    await using expected = await open();
    await ingestAs(expected, {});
    await using store = await open();
    await ingestAs(store, { header: WRONG });
    expect((await contents(store, QUARANTINE)).events).toHaveLength(150);
    const before = (await contents(store, QUARANTINE)).events;

    const done = await reprocess({ ...DEPS, store }, {});
    expect(done).toEqual(doneWith(150, [["nginx.access", 135]], 15));
    const found = await contents(store, "nginx.access");
    expect(found).toEqual(await contents(expected, "nginx.access"));
    expect(found.events).toHaveLength(135);
    expect(found.cells.length).toBeGreaterThan(3);
    const left = await contents(store, QUARANTINE);
    expect(left.events).toEqual(
      before.filter(({ fields }) => String(fields["event.original"]).startsWith("junk")),
    );
    const counts = await store.cells({ ...ALL, levelS: 3600, measures: ["events"] });
    expect(counts.map(({ dataset, value }) => [dataset, value])).toEqual([[QUARANTINE, 15]]);

    expect(await reprocess({ ...DEPS, store }, {})).toEqual(doneWith(15, [], 15));
    expect(await contents(store, "nginx.access")).toEqual(found);
    expect(await contents(store, QUARANTINE)).toEqual(left);
  });

  test("are read with a named format, and only those of a path", async () => {
    await using store = await open();
    await ingestAs(store, { header: WRONG, path: "/srv/site/access.log" });
    const format = formatNamed("apache.access");
    const none = await reprocess({ ...DEPS, store }, { format, path: "/srv/other/*" });
    expect(none).toEqual(doneWith(0));
    const done = await reprocess({ ...DEPS, store }, { format, path: "/srv/site/*.log" });
    expect(done).toEqual(doneWith(150, [["apache.access", 135]], 15));
    const [event] = (await contents(store, "apache.access")).events;
    expect(event?.fields).toMatchObject({ "log.file.path": "/srv/site/access.log" });
  });

  test("do not add datasets beyond their limit", async () => {
    await using store = await open();
    const batch = new Batch(DATASETS_MAX + 10);
    for (let i = 0; i < DATASETS_MAX + 10; i += 1) {
      const dataset = `"data_stream.dataset":"random.${i}"`;
      const original = `{"@timestamp":"2026-03-14T10:00:00Z",${dataset},"message":"${i}"}`;
      batch.number("@timestamp").put(i, Date.UTC(2026, 2, 14));
      batch.text("data_stream.dataset").putText(i, QUARANTINE);
      batch.text("event.original").putText(i, original);
      batch.text("log.source.id").putText(i, "src_test");
      batch.number("log.offset").put(i, i);
      batch.commit();
    }
    await store.append(batch, [], new Map([["src_test", { offset: 1 }]]));
    const { events } = await reprocess({ ...DEPS, store }, {});
    expect(events.get(OVERFLOW_DATASET)).toBeGreaterThanOrEqual(10);
    expect((await store.extents()).length).toBeLessThanOrEqual(DATASETS_MAX + 1);
    const rows = (await store.extents()).reduce((sum, extent) => sum + extent.rows, 0);
    expect(rows).toBe(DATASETS_MAX + 10);
  });

  test("keep the fields of their sender", async () => {
    await using store = await open();
    const fields = { "host.name": "a", "log.syslog.appname": "web" };
    await ingestAs(store, { header: { format: "no.such", fields }, path: "" });
    const { events } = await reprocess({ ...DEPS, store }, {});
    expect(events.get("nginx.access")).toBe(135);
    for (const dataset of ["nginx.access", QUARANTINE]) {
      for (const event of (await contents(store, dataset)).events) {
        expect(event.fields).toMatchObject(fields);
      }
    }
    const [event] = (await contents(store, "nginx.access")).events;
    expect(event?.fields["event.original"]).toContain("GET /");
    expect(event?.fields).not.toHaveProperty(["error.message"]);
  });
});

test("the lines of a damaged file stay in quarantine, and those of the other files are read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-reprocess-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  {
    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    for (const source of ["src_a", "src_b"] as const) {
      const batch = new Batch(1);
      batch.number("@timestamp").put(0, Date.UTC(2026, 2, 14));
      batch.text("data_stream.dataset").putText(0, QUARANTINE);
      batch.text("event.original").putText(0, line(1).trimEnd());
      batch.text("log.source.id").putText(0, source);
      batch.number("log.offset").put(0, 0);
      batch.commit();
      await store.append(batch, [], new Map([[source, { offset: 1 }]]));
    }
  }
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const events = names.filter((name) => /events.*\.parquet$/.test(name));
  expect(events).toHaveLength(2);
  {
    await using file = await openFile(join(folder, events[0] ?? ""), "r+");
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 50);
    await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, 50);
  }
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  const done = await reprocess({ ...DEPS, store }, {});
  expect(done).toEqual(doneWith(1, [["nginx.access", 1]]));
  const { problems } = await store.status();
  expect(problems.map(({ message }) => message).join()).toContain(events[0]?.split("/").at(-1));
});
