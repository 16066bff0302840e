import type { Condition } from "#pipeline/filter.ts";
import { COUNTS_PER_SECOND } from "#pipeline/live/frame-delta.ts";
import type { LiveWindow } from "#pipeline/live/live-window.ts";
import type { EventStore } from "#pipeline/store/port.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DATASETS_MAX = 20;

/** What is counted in a second of a frame, in its order there. */
const COUNTED: readonly Condition[] = [
  { field: "http.response.status_code", op: "exists" },
  { field: "http.response.status_code", op: "gte", value: 500 },
  { field: "event.action", op: "eq", value: "user-sign-in" },
  { field: "event.action", op: "eq", value: "user-sign-out" },
];

/**
 * After a start the last hour is in the store, not in memory: its seconds are counted there once, so that turnover and
 * rates go on where they were; visitors are taken from its minutes. Response times and routes fill up again.
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
  for (const [index, condition] of COUNTED.entries()) {
    const rows = await store.aggregate({
      ...range,
      aggregate: { kind: "count" },
      where: [condition],
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
  }
}

const VISITORS_MS = 5 * 60_000;

async function warmVisitors(live: LiveWindow, store: EventStore, nowMs: number): Promise<void> {
  const cells = await store.cells({
    fromMs: Math.floor((nowMs - VISITORS_MS) / MINUTE_MS) * MINUTE_MS,
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
