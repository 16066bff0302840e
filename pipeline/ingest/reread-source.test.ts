import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { formatNamed } from "#collectors/formats/index.ts";
import { parseFormats } from "#collectors/user-formats/formats-file.ts";
import { registerFormats } from "#collectors/user-formats/registry.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { mergeSketches } from "../sketches/merge-sketches.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { eventsOfSource } from "./events-of-source.ts";
import { Ingest } from "./ingest.ts";
import { type Reprocessed, type ReprocessRequest, reprocess } from "./reprocess.ts";
import { LEFT } from "./reread-rows.ts";
import { logSource } from "./testing-source.ts";

const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const ORDERS = "/srv/shop/orders.log";
const SITE = "/srv/site/access.log";
const PATTERN =
  "^%{TIMESTAMP_ISO8601:@timestamp} %{LOGLEVEL:log.level} order %{INT:order.id:int} %{WORD:order.state}";

const time = (i: number): string => `2026-03-14T10:${String(i % 60).padStart(2, "0")}:00Z`;
/** Without the format of the user, the generic format of applications reads them. */
const order = (i: number): string => `${time(i)} INFO order ${i} paid\n`;
const access = (i: number): string =>
  `203.0.113.${i % 9} - - [14/Mar/2026:10:${String(i % 60).padStart(2, "0")}:00 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;
const lines = (of: (i: number) => string, count = 120): string =>
  Array.from({ length: count }, (_, i) => of(i)).join("");

function use(pattern: string | undefined, paths: readonly string[] = []): void {
  const formats = pattern === undefined ? [] : [{ name: "shop.orders", pattern, paths }];
  const read = parseFormats(JSON.stringify({ formats }));
  if (!read.ok) throw new Error(JSON.stringify(read.mistakes));
  registerFormats(read.formats);
  onTestFinished(() => registerFormats([]));
}

async function ingest(store: EventStore, about: Parameters<typeof logSource>[0], log: string) {
  const reader = new Ingest({ ...DEPS, store, sealAfterMs: 60_000, foldEveryMs: 60_000 });
  await reader.run(logSource(about, log), new AbortController().signal);
}

async function reread(
  store: EventStore,
  source: string,
  request: ReprocessRequest = {},
): Promise<Reprocessed> {
  const events = eventsOfSource(source, { sources: [], positions: await store.positions() });
  return reprocess({ ...DEPS, store }, { events, ...request });
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** All events with their original lines, and all cells. */
async function contents(store: EventStore): Promise<unknown> {
  const found = await store.search({ ...ALL, where: [], limit: 1_000 });
  const events = found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const originals = await Promise.all(
    events.map(async ({ id }) => Buffer.from((await store.original(id)) ?? []).toString()),
  );
  const measures = ["events", "requests", "bytes_sent", "users", "routes", "levels"];
  const cells = await Promise.all(
    ([60, 3600] as const).map((levelS) =>
      store.cells({ ...ALL, levelS, measures, stepMs: levelS * 1000 }),
    ),
  );
  const counts = cells
    .flat()
    .map(({ sketches, ...it }) =>
      JSON.stringify({ ...it, sketch: sketches.length > 0 && hexOf(mergeSketches(sketches)) }),
    );
  const extents = await store.extents();
  return { events, originals, cells: counts.toSorted(), extents };
}

const STORES: [string, () => Promise<EventStore>][] = [
  ["in memory", async () => openMemoryStore()()],
  [
    "embedded",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "quarterdeck-reread-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      return openEmbeddedStore({ folder, clock: systemClock });
    },
  ],
];

describe.each(STORES)("events of a source that are read again, in a store %s", (_name, open) => {
  test("are those that the formats of now would have stored at first, and others stay as they are", async () => {
    const about = { sourceId: "src_orders", path: ORDERS } as const;
    const site = { sourceId: "src_site", path: SITE } as const;
    await using expected = await open();
    use(PATTERN, [ORDERS]);
    await ingest(expected, about, `${lines(order)}${lines(access, 20)}`);
    await ingest(expected, site, lines(access));
    await using store = await open();
    use(undefined);
    await ingest(store, about, `${lines(order)}${lines(access, 20)}`);
    await ingest(store, site, lines(access));
    const before = await contents(store);
    expect((await store.extents()).map(({ dataset }) => dataset)).toEqual([
      "app.log",
      "nginx.access",
    ]);

    use(PATTERN, [ORDERS]);
    const done = await reread(store, ORDERS);
    expect(done).toEqual({
      lines: 140,
      events: new Map([["shop.orders", 120]]),
      same: 20,
      left: new Map(),
    });
    expect(await contents(store)).toEqual(await contents(expected));
    expect(await contents(store)).not.toEqual(before);
    expect(await reread(store, ORDERS)).toMatchObject({ events: new Map(), same: 140 });
    expect(await contents(store)).toEqual(await contents(expected));
  });

  test("are only those since a time", async () => {
    use(undefined);
    await using store = await open();
    await ingest(store, { path: ORDERS }, lines(order, 60));
    use(PATTERN, [ORDERS]);
    const done = await reread(store, ORDERS, { fromMs: Date.parse("2026-03-14T10:40:00Z") });
    expect(done).toMatchObject({ lines: 20, events: new Map([["shop.orders", 20]]) });
    expect((await store.extents()).map(({ dataset, rows }) => [dataset, rows])).toEqual([
      ["app.log", 40],
      ["shop.orders", 20],
    ]);
  });

  test("lose the fields of an earlier pattern, and keep their identity", async () => {
    use("order %{INT:order.number:int} %{GREEDYDATA:order.rest}", [ORDERS]);
    await using store = await open();
    await ingest(store, { path: ORDERS }, lines(order, 3));
    const [before] = await store.search({ ...ALL, where: [], limit: 1 });
    expect(before?.fields).toMatchObject({ "order.rest": "paid" });
    use(PATTERN, [ORDERS]);
    await reread(store, ORDERS);
    const after = before && (await store.event(before.id))?.fields;
    expect(after).toMatchObject({ "order.state": "paid", "log.file.path": ORDERS });
    expect(after).toMatchObject({ "log.offset": before?.fields["log.offset"] });
    expect(Object.keys(after ?? {})).not.toContain("order.rest");
    expect(Object.keys(after ?? {})).not.toContain("order.number");
  });

  test("are left with the reason if their line is not stored, or if the format cannot read it", async () => {
    use(PATTERN);
    await using store = await open();
    const document = '{"@timestamp":"2026-03-14T10:00:00Z","data_stream.dataset":"billing.log"}\n';
    const header = { format: "ecs", fields: {} };
    await ingest(store, { path: "", header }, document.repeat(3));
    const known = (await store.positions()).keys().next().value ?? "";
    const events = [{ field: "log.source.id", op: "eq", value: known }] as const;
    const before = await contents(store);
    const format = formatNamed("shop.orders");
    const done = await reprocess({ ...DEPS, store }, { events, format });
    expect(done).toMatchObject({
      lines: 3,
      events: new Map(),
      left: new Map([[LEFT.noOriginal, 3]]),
    });
    expect(await contents(store)).toEqual(before);
    await ingest(store, { sourceId: "src_site", path: SITE }, lines(access, 5));
    const withAccess = await contents(store);
    const other = await reread(store, SITE, { format });
    expect(other).toMatchObject({ lines: 5, left: new Map([[LEFT.unreadable, 5]]) });
    expect(await contents(store)).toEqual(withAccess);
  });

  test("that were pushed keep the fields of their sender, whatever read their message", async () => {
    use(undefined);
    await using store = await open();
    const fields = {
      "log.source.address": "192.0.2.7",
      "log.source.name": "syslog+udp",
      "host.name": "a",
    };
    await ingest(store, { path: "", header: { fields } }, lines(order, 10));
    const [first] = await store.search({ ...ALL, where: [], limit: 1 });
    expect(first?.fields).toMatchObject({ ...fields, "data_stream.dataset": "app.log" });
    use(PATTERN);
    const preferred = formatNamed("shop.orders");
    expect(await reread(store, "syslog+tcp", { preferred })).toMatchObject({ lines: 0 });
    const done = await reread(store, "syslog+udp", { preferred });
    expect(done).toMatchObject({ lines: 10, events: new Map([["shop.orders", 10]]) });
    const after = first && (await store.event(first.id))?.fields;
    expect(after).toMatchObject({ ...fields, "order.state": "paid" });
    expect(Object.keys(after ?? {})).not.toContain("message");
  });
});
