import { expect, test } from "vitest";

import type { CellsRequest, EventStore, MergedCell } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { answerMetric } from "./answer-metric.ts";
import { forecast } from "./forecast-series.ts";
import type { ForecastRequest } from "./forecast.ts";
import { Predictions } from "./predictions.ts";
import { openMemoryForecastStore } from "./store/memory-forecast-store.ts";
import type { ForecastStore } from "./store/port.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 2, 2);
const END_MS = START_MS + 21 * DAY_MS;
const extent = { dataset: "nginx.access", rows: 1, fromMs: START_MS, toMs: END_MS - 1 };

/** Hourly requests and sign-ins that follow a daily curve; `change` alters single hours. */
function counts(change: (tMs: number, value: number) => number = (_t, value) => value) {
  const cells = async ({ fromMs, toMs, stepMs = HOUR_MS, measures }: CellsRequest) => {
    const found: MergedCell[] = [];
    for (let tMs = fromMs; tMs < toMs; tMs += stepMs) {
      if (tMs < START_MS || tMs >= END_MS) continue;
      const hour = (tMs % DAY_MS) / HOUR_MS;
      const daily = 3_600 + 1_800 * Math.sin((hour / 24) * 2 * Math.PI);
      for (const measure of measures) {
        const share = measure === "requests" ? 1 : 0.01;
        const value = change(tMs, daily * share);
        found.push({ tMs, dataset: "nginx.access", measure, key: "", value, sketches: [] });
      }
    }
    return found;
  };
  return { cells, extents: async () => [extent] };
}

type SetUp = {
  events?: ReturnType<typeof counts>;
  forecasts?: ForecastStore;
  failing?: { isFailing: boolean };
};

function setUp(options: SetUp = {}) {
  const { events = counts(), forecasts = openMemoryForecastStore(), failing } = options;
  const requests: ForecastRequest[] = [];
  const clock: Clock = { nowMs: () => END_MS };
  const runner = {
    forecast: async (request: ForecastRequest) => {
      requests.push(request);
      if (failing?.isFailing) throw new Error("the thread ended");
      return forecast(request);
    },
  };
  const predictions = new Predictions({ events, forecasts, runner, clock, log: silentLog() });
  return { predictions, requests, forecasts, events };
}

const lastDay = {
  count: "requests",
  per: "second",
  range: { fromMs: END_MS - DAY_MS, toMs: END_MS },
  stepMs: HOUR_MS,
  asOfMs: END_MS,
} as const;

test("each past window is predicted from the data before it, and the future from all data", async () => {
  const { predictions, requests } = setUp();
  const predicted = await predictions.series(extent, lastDay);
  if (predicted.status !== "ready") throw new Error(predicted.reason);
  expect(predicted.issuedMs).toBe(END_MS);
  expect(predicted.tMs[0]).toBe(END_MS - DAY_MS);
  expect(predicted.tMs.at(-1)).toBeGreaterThan(END_MS);
  expect(predicted.mean[0]).toBeCloseTo(1, 1);
  const ends = requests.map(({ series }) => series.startMs + series.values.length * series.stepMs);
  expect(new Set(ends)).toEqual(new Set([END_MS - DAY_MS, END_MS]));
});

test("a range that reaches into the future is predicted up to its end", async () => {
  const { predictions } = setUp();
  const range = { fromMs: END_MS - HOUR_MS, toMs: END_MS + 30 * HOUR_MS };
  const predicted = await predictions.series(extent, { ...lastDay, range });
  if (predicted.status !== "ready") throw new Error(predicted.reason);
  expect(predicted.tMs.at(-1)).toBe(range.toMs - HOUR_MS);
});

test("a range that is entirely in the future is predicted from all data", async () => {
  const { predictions, requests } = setUp();
  const range = { fromMs: END_MS + 5 * HOUR_MS, toMs: END_MS + 8 * HOUR_MS };
  const predicted = await predictions.series(extent, { ...lastDay, range });
  if (predicted.status !== "ready") throw new Error(predicted.reason);
  expect([predicted.tMs[0], predicted.tMs.at(-1)]).toEqual([range.fromMs, range.toMs - HOUR_MS]);
  expect(requests).toHaveLength(1);
  expect(requests[0]?.series.values).toHaveLength(21 * 24);
});

test("a range that no forecast reaches has no prediction, with the end of the data as the reason", async () => {
  const { predictions } = setUp();
  const range = { fromMs: END_MS + 100 * DAY_MS, toMs: END_MS + 101 * DAY_MS };
  expect(await predictions.series(extent, { ...lastDay, range })).toEqual({
    status: "learning",
    reason: expect.stringContaining("the data end at 2026-03-23 00:00 UTC"),
  });
});

test("a past range is predicted within its bounds, from the data before each window", async () => {
  const { predictions, requests } = setUp();
  const range = { fromMs: END_MS - 6 * DAY_MS, toMs: END_MS - 5 * DAY_MS };
  const predicted = await predictions.series(extent, { ...lastDay, range });
  if (predicted.status !== "ready") throw new Error(predicted.reason);
  expect([predicted.tMs[0], predicted.tMs.at(-1)]).toEqual([range.fromMs, range.toMs - HOUR_MS]);
  for (const { series } of requests) {
    expect(series.startMs + series.values.length * series.stepMs).toBeLessThan(range.toMs);
  }
});

test("if the forecaster fails there is no prediction, with the reason, until it works again", async () => {
  const failing = { isFailing: true };
  const { predictions } = setUp({ failing });
  expect(await predictions.series(extent, lastDay)).toMatchObject({
    status: "learning",
    reason: expect.stringContaining("failed"),
  });
  failing.isFailing = false;
  expect(await predictions.series(extent, lastDay)).toMatchObject({ status: "ready" });
});

test("an issued forecast is not computed again, not even by another process", async () => {
  const { predictions, requests, forecasts } = setUp();
  const first = await predictions.series(extent, lastDay);
  const computed = requests.length;
  expect(await predictions.series(extent, lastDay)).toEqual(first);
  expect(requests).toHaveLength(computed);
  const other = setUp({ forecasts });
  expect(await other.predictions.series(extent, lastDay)).toEqual(first);
  expect(other.requests).toEqual([]);
});

test("a forecast whose history has changed is computed again", async () => {
  const { predictions, forecasts } = setUp();
  await predictions.series(extent, lastDay);
  const late = counts((tMs, value) => (tMs === END_MS - 3 * DAY_MS ? 2 * value : value));
  const after = setUp({ events: late, forecasts });
  await after.predictions.series(extent, lastDay);
  expect(after.requests.length).toBeGreaterThan(0);
});

test("a prediction as of a time uses no later data", async () => {
  const asOfMs = END_MS - 5 * DAY_MS;
  const range = { fromMs: asOfMs, toMs: asOfMs + 6 * HOUR_MS };
  const request = { ...lastDay, range, asOfMs };
  const before = await setUp().predictions.asOf(extent, request);
  const spike = counts((tMs, value) => (tMs >= asOfMs ? 100 * value : value));
  expect(await setUp({ events: spike }).predictions.asOf(extent, request)).toEqual(before);
});

test("a prediction as of a time is the forecast issued then, even if the history has changed since", async () => {
  const { predictions, forecasts } = setUp();
  const issued = await predictions.series(extent, lastDay);
  const range = { fromMs: END_MS, toMs: END_MS + 2 * HOUR_MS };
  const changed = counts((tMs, value) => (tMs === END_MS - HOUR_MS ? 0 : value));
  const later = setUp({ events: changed, forecasts });
  const request = await later.predictions.asOf(extent, { ...lastDay, range });
  expect(later.requests).toEqual([]);
  if (request.status !== "ready" || issued.status !== "ready") throw new Error("no forecast");
  const from = issued.tMs.indexOf(END_MS);
  expect(request.mean.slice(0, 2)).toEqual(issued.mean.slice(from, from + 2));
});

test("a forecast is answered even if it cannot be stored", async () => {
  const forecasts: ForecastStore = {
    ...openMemoryForecastStore(),
    find: () => Promise.reject(new Error("unreadable")),
    save: () => Promise.reject(new Error("disk full")),
  };
  const { predictions } = setUp({ forecasts });
  expect((await predictions.series(extent, lastDay)).status).toBe("ready");
});

const dataset = { field: "data_stream.dataset", op: "eq", value: "nginx.access" } as const;

function answer(query: { metric: string; where?: readonly (typeof dataset)[]; asOfMs?: number }) {
  const { predictions, events } = setUp();
  // oxlint-disable-next-line no-unsafe-type-assertion -- predicted metrics use only `cells` and `extents`
  const deps = { events: events as unknown as EventStore, predictions, nowMs: END_MS };
  return answerMetric(deps, { where: [], ...lastDay.range, stepMs: HOUR_MS, ...query });
}

test("predicted metrics are queried like measured ones: rates per second, counts per step", async () => {
  const rate = await answer({ metric: "predicted_requests_per_second", where: [dataset] });
  expect(rate).toMatchObject({ unit: "1/s", from: "forecast", stepMs: HOUR_MS });
  expect(rate.series[0]?.value).toBeCloseTo(1, 1);
  const signIns = await answer({ metric: "predicted_sign_ins" });
  expect(signIns.unit).toBe("count");
  expect(signIns.series[0]?.value).toBeCloseTo(24 * 36, -2);
  expect(signIns.prediction).toMatchObject({
    status: "ready",
    bands: [{ level: 80 }, { level: 95 }],
  });
});

test("an unknown dataset has no prediction yet, with the reason", async () => {
  const where = [{ ...dataset, value: "apache.access" as "nginx.access" }];
  const found = await answer({ metric: "predicted_requests_per_second", where });
  expect(found.series).toEqual([]);
  expect(found.prediction).toMatchObject({ status: "learning" });
});

test.each([
  [
    { metric: "predicted_sign_ins", where: [dataset, dataset] },
    "filters and splits are not supported",
  ],
  [
    { metric: "predicted_sign_ins", by: { field: "url.path", limit: 5 } },
    "filters and splits are not supported",
  ],
  [{ metric: "requests", asOfMs: END_MS }, "only predicted metrics accept an as-of time"],
  [{ metric: "predicted_nonsense" }, "there is no metric"],
])("an invalid query is rejected: %j", async (query, message) => {
  await expect(answer(query)).rejects.toThrow(message);
});
