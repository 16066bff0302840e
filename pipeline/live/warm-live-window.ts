import { LIVE_COUNTS } from "../measures/index.ts";
import type { Measure } from "../measures/measure.ts";
import { ERROR_STATUS_MIN } from "../measures/request.ts";
import { ROUTES } from "../measures/routes.ts";
import { DATASET, ROUTE, STATUS } from "../measures/split-fields.ts";
import { users } from "../measures/users.ts";
import { keptCounts, OTHER } from "../sketches/heavy-hitters.ts";
import type { MetricReader } from "../store/port.ts";
import type { FrameDelta, LivePart } from "./live-part.ts";
import type { LiveWindow } from "./live-window.ts";
import { routeCode } from "./route-code.ts";
import { ROUTES_WINDOW } from "./top-routes.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIVE_MINUTES_MS = 5 * MINUTE_MS;
const DATASETS_MAX = 20;

/**
 * After a start the last hour is in the store, not in memory: its seconds are counted there once, so that turnover and
 * rates continue; visitors and routes are read for the last minutes. Response times are complete again after
 * one minute.
 */
export async function warmLiveWindow(
  live: LiveWindow,
  store: MetricReader,
  nowMs: number,
): Promise<void> {
  const extents = await store.extents();
  const fresh = extents
    .filter(({ toMs }) => toMs > nowMs - HOUR_MS)
    .toSorted((a, b) => b.rows - a.rows)
    .slice(0, DATASETS_MAX);
  if (fresh.length === 0) return;
  for (const { dataset } of fresh) live.merge(await countsOf(store, dataset, nowMs));
  await warmVisitors(live, store, nowMs);
  for (const { dataset } of fresh) live.merge(await routesOf(store, dataset, nowMs));
}

/** The counts of the last hour's seconds. */
async function countsOf(store: MetricReader, dataset: string, nowMs: number): Promise<FrameDelta> {
  const counted = await Promise.all(
    LIVE_COUNTS.map(async (measure) => ({
      name: measure.name,
      counts: await countSeconds(store, { measure, dataset, nowMs }),
    })),
  );
  const seconds = [...new Set(counted.flatMap(({ counts }) => [...counts.keys()]))];
  const parts = counted.map(({ name, counts }): [string, LivePart] => {
    const numbers = Uint32Array.from(seconds, (second) => counts.get(second) ?? 0);
    return [name, { numbers }];
  });
  return {
    dataset,
    newestEventMs: Math.max(0, ...seconds) * 1_000,
    seconds: Uint32Array.from(seconds),
    parts: Object.fromEntries(parts),
  };
}

async function countSeconds(
  store: MetricReader,
  { measure, dataset, nowMs }: { measure: Measure; dataset: string; nowMs: number },
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const { aggregate, where } of measure.raw([dataset], undefined)) {
    const rows = await store.aggregate({
      fromMs: nowMs - HOUR_MS,
      toMs: nowMs,
      stepMs: 1_000,
      aggregate,
      where: [...where, { field: DATASET, op: "eq", value: dataset }],
    });
    for (const { tMs, value } of rows) {
      const second = Math.floor(tMs / 1_000);
      counts.set(second, (counts.get(second) ?? 0) + value);
    }
  }
  return counts;
}

type RouteRow = { route: string; tMs: number; bucket: number; isError: boolean; requests: number };

/** A delta with the routes of the last minutes and their response times. */
async function routesOf(store: MetricReader, dataset: string, nowMs: number): Promise<FrameDelta> {
  const rows = [
    ...(await routeRows(store, { dataset, nowMs, isError: false })),
    ...(await routeRows(store, { dataset, nowMs, isError: true })),
  ];
  const seconds = new Indexes<number>();
  const names = new Indexes<string>();
  const numbers = rows.flatMap(({ route, tMs, bucket, isError, requests }) => {
    const second = Math.floor(Math.min(nowMs, tMs + MINUTE_MS - 1_000) / 1_000);
    return [seconds.of(second), routeCode(names.of(route), isError, bucket), requests];
  });
  return {
    dataset,
    newestEventMs: 0,
    seconds: Uint32Array.from(seconds.values()),
    parts: { [ROUTES]: { numbers: Uint32Array.from(numbers), names: [...names.values()] } },
  };
}

/** The busiest routes; if the store has more of them, their counts are a summary (sketches/heavy-hitters.ts). */
async function routeRows(
  store: MetricReader,
  { dataset, nowMs, isError }: { dataset: string; nowMs: number; isError: boolean },
): Promise<RouteRow[]> {
  const found = await store.aggregate({
    fromMs: nowMs - FIVE_MINUTES_MS,
    toMs: nowMs,
    stepMs: MINUTE_MS,
    aggregate: { kind: "latency", field: "event.duration" },
    where: [
      { field: DATASET, op: "eq", value: dataset },
      { field: STATUS, op: isError ? "gte" : "lt", value: ERROR_STATUS_MIN },
    ],
    // One more than are kept, as its count is the maximum of the routes that are not in the answer.
    by: { field: ROUTE, limit: ROUTES_WINDOW.namesMax + 1 },
  });
  const rows = found.flatMap(({ tMs, by, bucket, value }): RouteRow[] =>
    by === null || bucket === null ? [] : [{ route: by, tMs, bucket, isError, requests: value }],
  );
  const routes = new Indexes<string>();
  const kept = keptCounts(
    rows.map(({ route }) => routes.of(route)),
    rows.map(({ requests }) => requests),
    ROUTES_WINDOW.namesMax,
  );
  return rows.flatMap((row, i) => {
    const requests = kept[i] ?? 0;
    const other = { ...row, route: OTHER, requests: row.requests - requests };
    return [{ ...row, requests }, other].filter((part) => part.requests > 0);
  });
}

/** Numbers values in the order of their first use. */
class Indexes<T> {
  readonly #indexes = new Map<T, number>();

  of(value: T): number {
    let index = this.#indexes.get(value);
    if (index === undefined) this.#indexes.set(value, (index = this.#indexes.size));
    return index;
  }

  values(): Iterable<T> {
    return this.#indexes.keys();
  }
}

async function warmVisitors(live: LiveWindow, store: MetricReader, nowMs: number): Promise<void> {
  const cells = await store.cells({
    fromMs: Math.floor((nowMs - FIVE_MINUTES_MS) / MINUTE_MS) * MINUTE_MS,
    toMs: nowMs,
    levelS: 60,
    stepMs: MINUTE_MS,
    measures: [users.cells[0].measure],
  });
  for (const { dataset, tMs, sketches } of cells) {
    // Counted at the end of their minute, as their exact second is unknown.
    const at = { dataset, tMs: Math.min(nowMs, tMs + MINUTE_MS - 1_000) };
    for (const sketch of sketches) live.mergeSketch(users, at, sketch);
  }
}
