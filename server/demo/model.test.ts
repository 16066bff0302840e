import { expect, test } from "vitest";

import { demoModel } from "./model.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MONDAY_MS = Date.UTC(2026, 10, 16);
const model = demoModel({ seed: 7, requestsPerSecondMean: 1 });

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test("visits are the same for the same seed, and different for another", () => {
  const again = demoModel({ seed: 7, requestsPerSecondMean: 1 });
  const other = demoModel({ seed: 8, requestsPerSecondMean: 1 });
  const minute = MONDAY_MS / MINUTE_MS + 600;
  const visits = (one: typeof model): unknown =>
    Array.from({ length: 10 }, (_, index) => one.visits(minute + index));
  expect(visits(again)).toEqual(visits(model));
  expect(visits(other)).not.toEqual(visits(model));
});

test("the rate is the given mean over a week, higher by day and on weekdays, and never jumps", () => {
  const week = Array.from({ length: 7 * 1440 }, (_, m) =>
    model.intensity(MONDAY_MS + m * MINUTE_MS),
  );
  expect(mean(week)).toBeGreaterThan(0.9);
  expect(mean(week)).toBeLessThan(1.1);
  const at = (day: number, hour: number): number =>
    mean(week.slice(day * 1440 + hour * 60).slice(0, 60));
  expect(at(1, 15)).toBeGreaterThan(2 * at(1, 3));
  expect(at(1, 15)).toBeGreaterThan(1.15 * at(5, 15));
  for (let m = 1; m < week.length; m += 1) {
    expect(Math.abs((week[m] ?? 0) / (week[m - 1] ?? 0) - 1)).toBeLessThan(0.05);
  }
});

test("visits add up to the configured request rate", () => {
  let requests = 0;
  let expected = 0;
  for (let m = 0; m < 7 * 1440; m += 1) {
    const atMs = MONDAY_MS + m * MINUTE_MS;
    for (const visit of model.visits(atMs / MINUTE_MS)) requests += visit.steps.length;
    expected += 60 * model.intensity(atMs);
  }
  expect(requests / expected).toBeGreaterThan(0.95);
  expect(requests / expected).toBeLessThan(1.05);
});

test("steps of a visit go forward in time, and only signed-in visitors sign out", () => {
  for (let m = 0; m < 600; m += 1) {
    for (const { steps } of model.visits(MONDAY_MS / MINUTE_MS + m)) {
      const times = steps.map((step) => step.atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThanOrEqual(HOUR_MS / 2);
      const outs = steps.filter((step) => step.path === "/logout");
      expect(outs.every((step) => step.signedIn)).toBe(true);
    }
  }
});
