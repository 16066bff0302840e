import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { systemClock } from "#platform/clock.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { NAME_LIMITS, type RollupCell } from "../rollup.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import { batchOf, cell, positionsAt } from "../store/contract.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import type { EventStore } from "../store/port.ts";
import { runQuery } from "./run-query.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 4, 17);
const SCANNED_PER_HOUR = 5000;
const HOURS = [3, 9, 20];
const REQUESTS_PER_HOUR = 5000;
/** Batches of a size, so that all are merged into one. */
const BATCH_ROWS = 625;
const TOTAL = HOURS.length * (SCANNED_PER_HOUR + REQUESTS_PER_HOUR);
const WHOLE_DAY = { fromMs: START_MS, toMs: START_MS + 24 * HOUR_MS };
const BY_ROUTE = { field: "http.route", limit: 10 };
const NAMES_MAX = NAME_LIMITS.get("route")?.namesMax ?? 0;

async function openStore(): Promise<EventStore> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-flood-"));
  const store = await openEmbeddedStore({ folder, clock: systemClock });
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  return store;
}

/** In each of some hours scans first, each of another route, and then the requests of one route, in several batches. */
async function fill(store: EventStore): Promise<void> {
  const batch = new Batch(1);
  const frames = new FrameAccumulator(batch);
  let offset = 0;
  const seal = async (): Promise<void> => {
    frames.fold(0, batch.rows, false);
    await store.append(batch, frames.takeCells(), positionsAt(offset));
    batch.reset();
    frames.reset();
  };
  const put = (hour: number, route: string, status: number): void => {
    const row = batch.rows;
    batch.reserve(1);
    batch.number("@timestamp").put(row, START_MS + hour * HOUR_MS + (offset % 3600) * 1000);
    batch.text("data_stream.dataset").putText(row, "nginx.access");
    batch.text("log.source.id").putText(row, "src_a");
    batch.number("log.offset").put(row, offset);
    batch.number("http.response.status_code").put(row, status);
    batch.text("http.route").putText(row, route);
    batch.commit();
    offset += 1;
  };
  for (const hour of HOURS) {
    for (let i = 0; i < SCANNED_PER_HOUR; i += 1) {
      put(hour, `/scan-${hour}-${i}`, 200);
      if (i % BATCH_ROWS === BATCH_ROWS - 1) await seal();
    }
    for (let i = 0; i < REQUESTS_PER_HOUR; i += 1) {
      put(hour, "/cart", i % 50 === 0 ? 500 : 200);
      if (i % BATCH_ROWS === BATCH_ROWS - 1) await seal();
    }
  }
}

async function expectList(store: EventStore): Promise<void> {
  const all = await runQuery(store, { metric: "requests", ...WHOLE_DAY, where: [], by: BY_ROUTE });
  expect(all.from).toBe("rollup");
  const { series, shortfallMax = 0 } = all;
  expect(shortfallMax).toBeLessThanOrEqual(TOTAL / NAMES_MAX);
  expect(series[0]?.key).toBe("/cart");
  expect(series[0]?.value).toBeLessThanOrEqual(15_000);
  expect(series[0]?.value).toBeGreaterThanOrEqual(15_000 - shortfallMax);
  expect(series.filter(({ key }) => key !== OTHER).length).toBeLessThanOrEqual(10);
  // Together they are exact.
  const cells = await store.cells({ ...WHOLE_DAY, levelS: 3600, measures: ["route"] });
  expect(cells.reduce((sum, { value }) => sum + value, 0)).toBe(TOTAL);
}

test("after 5,000 scanned routes an hour, the top list of a day has a route with 15,000 requests, within the stated error", async () => {
  const store = await openStore();
  await fill(store);
  await expectList(store);
  while (await store.compact()) await expectList(store);
});

test("merged files have at most the allowed names in each hour, and the rest as one", async () => {
  const store = await openStore();
  await fill(store);
  while (await store.compact());
  const cells = await store.cells({
    ...WHOLE_DAY,
    levelS: 3600,
    stepMs: HOUR_MS,
    measures: ["route"],
  });
  for (const hour of HOURS) {
    const ofHour = cells.filter(({ tMs }) => tMs === START_MS + hour * HOUR_MS);
    const successes = ofHour.filter(({ key }) => key.startsWith("2xx "));
    expect(successes.length).toBeLessThanOrEqual(NAMES_MAX + 1);
    expect(successes.some(({ key }) => key === `2xx ${OTHER}`)).toBe(true);
    expect(ofHour.find(({ key }) => key === "5xx /cart")?.value).toBe(100);
    expect(ofHour.reduce((sum, { value }) => sum + value, 0)).toBe(
      SCANNED_PER_HOUR + REQUESTS_PER_HOUR,
    );
  }
});

test("a condition on a route is answered exactly, also if the rollup does not have the route", async () => {
  const store = await openStore();
  await fill(store);
  while (await store.compact());
  for (const [route, requests] of [
    ["/cart", 15_000],
    ["/scan-9-4999", 1],
    ["/scan-9-0", 1],
  ] as const) {
    const where = [{ field: "http.route", op: "eq", value: route } as const];
    const answer = await runQuery(store, { metric: "requests", ...WHOLE_DAY, where });
    expect(answer.series[0]?.value).toBe(requests);
  }
});

test("a list from raw events states how large a missing name may be", async () => {
  const store = await openStore();
  await fill(store);
  // A step that is not a multiple of an hour.
  const query = { metric: "requests", ...WHOLE_DAY, stepMs: 7_201_000, where: [] };
  const answer = await runQuery(store, { ...query, by: BY_ROUTE });
  expect(answer.from).toBe("raw");
  expect(answer.series[0]).toMatchObject({ key: "/cart", value: 15_000 });
  expect(answer.shortfallMax).toBe(1);
});

test("cells of earlier versions, which counted further routes as {other}, are read and merged with new ones", async () => {
  const store = await openStore();
  const old = (key: string, value: number): RollupCell =>
    cell({ levelS: 3600, t: START_MS / 1000, measure: "route", key, value });
  for (let batch = 0; batch < 8; batch += 1) {
    const cells = [old("2xx {other}", 10), old("2xx /cart", 5), old("5xx {other}", 1)];
    const event = { "@timestamp": START_MS, "log.offset": batch };
    await store.append(batchOf([event]), cells, positionsAt(batch + 1));
  }
  while (await store.compact());
  const answer = await runQuery(store, {
    metric: "requests",
    ...WHOLE_DAY,
    where: [],
    by: BY_ROUTE,
  });
  expect(answer.series.map(({ key, value }) => [key, value])).toEqual([
    ["{other}", 88],
    ["/cart", 40],
  ]);
  expect(answer.shortfallMax).toBeUndefined();
});
