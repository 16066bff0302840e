import { expect, test } from "vitest";

import type { Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";

import { DATASETS_MAX, OVERFLOW_DATASET } from "../datasets.ts";
import { LiveWindow } from "../live/live-window.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 10);
const PATH = "/var/log/app.json";
const ALL = { fromMs: 0, toMs: 4e12 };

const sourceOf = (lines: readonly string[]): Source =>
  logSource({ path: PATH }, lines.map((line) => `${line}\n`).join(""));

const line = (dataset: string, fields: Record<string, unknown> = {}): string =>
  JSON.stringify({
    "@timestamp": new Date(NOW_MS).toISOString(),
    "data_stream.dataset": dataset,
    message: `of ${dataset.slice(0, 40)}`,
    ...fields,
  });
const names = (prefix: string, length: number): string[] =>
  Array.from({ length }, (_, i) => `${prefix}.${i}`);

async function ingest(store: EventStore, lines: readonly string[]): Promise<Ingest> {
  const opened = new Ingest({
    store,
    clock: { nowMs: () => NOW_MS },
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 1_000,
  });
  await opened.run(sourceOf(lines), new AbortController().signal);
  return opened;
}

test("of 50,000 dataset names, the first 1,000 are kept, and no event is lost", async () => {
  await using store = openMemoryStore()();
  const random = names("random", 50_000).map((name) => line(name, { order: { id: 17 } }));
  const opened = await ingest(store, [line("shop.orders"), ...random, line("shop.orders")]);
  const extents = await store.extents();
  expect(extents.length).toBe(DATASETS_MAX + 1);
  expect(extents.reduce((sum, { rows }) => sum + rows, 0)).toBe(50_002);
  expect(extents.find(({ dataset }) => dataset === "shop.orders")?.rows).toBe(2);
  const where = [{ field: "labels.original_dataset", op: "eq", value: "random.49999" } as const];
  const [moved] = await store.search({ ...ALL, where, limit: 2 });
  expect(moved?.fields).toMatchObject({
    "data_stream.dataset": OVERFLOW_DATASET,
    message: "of random.49999",
    "order.id": 17,
  });
  const [status] = opened.statusWith([{ path: PATH, level: "info", message: "read" }]);
  expect(status?.level).toBe("warning");
  expect(status?.message).toMatch(/; 49001 events are in the dataset quarterdeck\./);
});

test("datasets that the store has are known after a restart, and new ones are still moved", async () => {
  await using store = openMemoryStore()();
  const first = names("kept", DATASETS_MAX).map((name) => line(name));
  await ingest(store, first);
  await ingest(store, [...first, line("kept.7"), line("new.one")]);
  const extents = await store.extents();
  expect(extents.find(({ dataset }) => dataset === "kept.7")?.rows).toBe(2);
  expect(extents.find(({ dataset }) => dataset === OVERFLOW_DATASET)?.rows).toBe(1);
});

test("an event whose dataset has a name of a megabyte is moved, with its whole name", async () => {
  await using store = openMemoryStore()();
  const long = "x".repeat(1_000_000);
  await ingest(store, [line("shop.orders"), line(long)]);
  expect((await store.extents()).map(({ dataset }) => dataset)).toEqual([
    OVERFLOW_DATASET,
    "shop.orders",
  ]);
  const where = [{ field: "data_stream.dataset", op: "eq", value: OVERFLOW_DATASET } as const];
  const [found] = await store.search({ ...ALL, where, limit: 1 });
  const moved = found && (await store.event(found.id));
  const name = String(moved?.fields["labels.original_dataset"]);
  expect([name.length, name === long]).toEqual([long.length, true]);
});

test("a dataset that is busy is live, also after thousands of others", () => {
  const live = new LiveWindow({ nowMs: () => NOW_MS });
  const merge = (dataset: string): void =>
    live.merge({
      dataset,
      newestEventMs: NOW_MS,
      seconds: Uint32Array.of(NOW_MS / 1000),
      parts: { requests: { numbers: Uint32Array.of(1) } },
    });
  for (const name of names("random", 5000)) merge(name);
  for (let i = 0; i < 10; i += 1) merge("shop.orders");
  expect(live.datasets().length).toBeLessThanOrEqual(64);
  expect(live.frame("shop.orders").seconds[0]?.["requests"]).toBeGreaterThan(5);
});
