import { expect, test } from "vitest";

import { storeWithTimes, timesIn } from "#pipeline/metrics/testing-times.ts";
import { silentLog } from "#platform/log.ts";

import { answerMetric } from "./answer-metric.ts";
import { forecast } from "./forecast-series.ts";
import type { ForecastRequest } from "./forecast.ts";
import { Predictions } from "./predictions.ts";
import { openForecastStore } from "./store/open-forecast-store.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 4, 17);
const FIRST_MS = NOW_MS - 20 * DAY_MS;
const LAST_MS = NOW_MS - 5 * DAY_MS;
const DATASET = "nginx.access";

test("forecasts learn from the time in which most events are, in spite of a line of 1999 and one of the future", async () => {
  const odd = [Date.UTC(1999, 0), NOW_MS + 20 * HOUR_MS];
  await using events = await storeWithTimes({
    [DATASET]: [...odd, ...timesIn(FIRST_MS, LAST_MS, 5_000)],
  });
  await using forecasts = openForecastStore("memory:");
  const requests: ForecastRequest[] = [];
  const runner = {
    async forecast(request: ForecastRequest) {
      requests.push(request);
      return { status: "learning", reason: "not in this test" } as const;
    },
  };
  const clock = { nowMs: () => NOW_MS };
  const predictions = new Predictions({ events, forecasts, runner, clock, log: silentLog() });
  await answerMetric(
    { events, predictions, nowMs: NOW_MS },
    {
      metric: "predicted_requests_per_second",
      where: [{ field: "data_stream.dataset", op: "eq", value: DATASET }],
      fromMs: FIRST_MS,
      toMs: LAST_MS,
      stepMs: HOUR_MS,
    },
  );
  expect(requests.length).toBeGreaterThan(0);
  for (const { series } of requests) {
    expect(series.startMs).toBeGreaterThanOrEqual(FIRST_MS - HOUR_MS);
    const endMs = series.startMs + series.values.length * series.stepMs;
    expect(endMs).toBeLessThanOrEqual(LAST_MS + 2 * HOUR_MS);
  }
});

test.each([
  ["of 1999, with few others", Date.UTC(1999, 0), 40],
  ["of three days ago", NOW_MS - 3 * DAY_MS, 2_000],
])("one odd line %s does not end the learning phase", async (_when, oddMs, rows) => {
  await using events = await storeWithTimes({
    [DATASET]: [oddMs, ...timesIn(NOW_MS - 3 * HOUR_MS, NOW_MS, rows)],
  });
  await using forecasts = openForecastStore("memory:");
  const runner = { forecast: async (request: ForecastRequest) => forecast(request) };
  const clock = { nowMs: () => NOW_MS };
  const predictions = new Predictions({ events, forecasts, runner, clock, log: silentLog() });
  const [extent] = await events.extents();
  if (!extent) throw new Error("no events");
  for (const stepMs of [60_000, 300_000, HOUR_MS]) {
    const range = { fromMs: NOW_MS - DAY_MS, toMs: NOW_MS };
    const request = { count: "requests", per: "second", range, stepMs, asOfMs: NOW_MS } as const;
    expect(await predictions.series(extent, request)).toMatchObject({ status: "learning" });
  }
  const expected = await predictions.expected("sign_ins", extent, { minutes: 15, nowMs: NOW_MS });
  expect(expected).toBeNull();
});
