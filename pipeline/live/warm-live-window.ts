import type { Filter } from "../filter.ts";
import type { EventStore } from "../store/port.ts";
import {
  COUNTS_PER_SECOND,
  type FrameDelta,
  ROUTE_ERROR_UNIT,
  ROUTE_NAME_UNIT,
} from "./frame-delta.ts";
import { BUCKET_MIN } from "./latency-sketch.ts";
import type { LiveWindow } from "./live-window.ts";
import { ERROR_STATUS_MIN, SIGN_IN, SIGN_OUT, STATUS_END } from "./request.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIVE_MINUTES_MS = 5 * MINUTE_MS;
const DATASETS_MAX = 20;
const ROUTES_MAX = 50;

/** What is counted in a second of a frame, in its order there. */
const COUNTED: readonly Filter[] = [
  [{ field: "http.response.status_code", op: "exists" }],
  [
    { field: "http.response.status_code", op: "gte", value: ERROR_STATUS_MIN },
    { field: "http.response.status_code", op: "lt", value: STATUS_END },
  ],
  [{ field: "event.action", op: "eq", value: SIGN_IN }],
  [{ field: "event.action", op: "eq", value: SIGN_OUT }],
];

/**
 * After a start the last hour is in the store, not in memory: its seconds are counted there once, so that turnover and
 * rates go on where they were; visitors and routes are those of its last minutes. Response times fill up again in one.
 */
export async function warmLiveWindow(
  live: LiveWindow,
  store: EventStore,
  nowMs: number,
): Promise<void> {
  const range = { fromMs: nowMs - HOUR_MS, toMs: nowMs };
  const fresh = (await store.extents()).filter(({ toMs }) => toMs > range.fromMs);
  if (fresh.length === 0) return;
  const datasets = new Map<string, Map<number, number[]>>();
  for (const [index, where] of COUNTED.entries()) {
    const rows = await store.aggregate({
      ...range,
      aggregate: { kind: "count" },
      where,
      stepMs: 1_000,
      by: { field: "data_stream.dataset", limit: DATASETS_MAX },
    });
    for (const { tMs, by, value } of rows) {
      const seconds = datasets.get(by ?? "") ?? new Map<number, number[]>();
      datasets.set(by ?? "", seconds);
      const second = Math.floor(tMs / 1_000);
      const counts = seconds.get(second) ?? Array.from({ length: COUNTS_PER_SECOND }, () => 0);
      seconds.set(second, counts);
      counts[index] = value;
    }
  }
  await warmVisitors(live, store, nowMs);
  for (const [dataset, seconds] of datasets) {
    const times = [...seconds.keys()];
    live.merge({
      dataset,
      newestEventMs: Math.max(...times) * 1_000,
      seconds: Uint32Array.from(times),
      counts: Uint32Array.from([...seconds.values()].flat()),
      latency: new Uint32Array(),
      visitors: new Uint32Array(),
      instances: { names: [], pairs: new Uint32Array() },
      routes: { names: [], triples: new Uint32Array() },
    });
    live.merge(await routesOf(store, dataset, nowMs));
  }
}

/** The routes of the last minutes with their response times, as a delta that adds nothing else. */
async function routesOf(store: EventStore, dataset: string, nowMs: number): Promise<FrameDelta> {
  const seconds: number[] = [];
  const names: string[] = [];
  const triples: number[] = [];
  for (const [unit, op] of [
    [0, "lt"],
    [ROUTE_ERROR_UNIT, "gte"],
  ] as const) {
    const rows = await store.aggregate({
      fromMs: nowMs - FIVE_MINUTES_MS,
      toMs: nowMs,
      stepMs: MINUTE_MS,
      aggregate: { kind: "latency", field: "event.duration" },
      where: [
        { field: "data_stream.dataset", op: "eq", value: dataset },
        { field: "http.response.status_code", op, value: ERROR_STATUS_MIN },
      ],
      by: { field: "http.route", limit: ROUTES_MAX },
    });
    for (const { tMs, by, bucket, value } of rows) {
      if (by === null || bucket === null) continue;
      const second = Math.min(nowMs, tMs + MINUTE_MS - 1_000);
      const code = indexIn(names, by) * ROUTE_NAME_UNIT + unit + bucket - BUCKET_MIN + 1;
      triples.push(indexIn(seconds, Math.floor(second / 1_000)), code, value);
    }
  }
  return {
    dataset,
    newestEventMs: 0,
    seconds: Uint32Array.from(seconds),
    counts: new Uint32Array(seconds.length * COUNTS_PER_SECOND),
    latency: new Uint32Array(),
    visitors: new Uint32Array(),
    instances: { names: [], pairs: new Uint32Array() },
    routes: { names, triples: Uint32Array.from(triples) },
  };
}

/** The index of the value, which is added when it is new. */
function indexIn<T>(values: T[], value: T): number {
  const index = values.indexOf(value);
  return index < 0 ? values.push(value) - 1 : index;
}

async function warmVisitors(live: LiveWindow, store: EventStore, nowMs: number): Promise<void> {
  const cells = await store.cells({
    fromMs: Math.floor((nowMs - FIVE_MINUTES_MS) / MINUTE_MS) * MINUTE_MS,
    toMs: nowMs,
    levelS: 60,
    stepMs: MINUTE_MS,
    measures: ["users"],
  });
  for (const { dataset, tMs, sketches } of cells) {
    // Filed under the end of their minute: they were seen somewhere in it.
    for (const sketch of sketches) {
      live.mergeVisitors(dataset, Math.min(nowMs, tMs + MINUTE_MS - 1_000), sketch);
    }
  }
}
