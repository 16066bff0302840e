import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { forecast } from "./forecast-series.ts";
import { HOUR_MS, expectInvariants, hourly, ready, reasonOf, visitors } from "./simulated.ts";

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.constant(null) },
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e308, -1e308, 5e-324, Number.MAX_SAFE_INTEGER),
);

describe("for any series", () => {
  test("a forecast is finite, ordered, nested, of the requested length, and deterministic", () => {
    const request = fc.record({
      values: fc.oneof(
        fc.array(anyValue, { maxLength: 20 }),
        fc.array(anyValue, { minLength: 60, maxLength: 260, size: "max" }),
      ),
      horizon: fc.integer({ min: 1, max: 40 }),
      seasonalities: fc.constantFrom([6, 42], [24], [12, 24], [7], [10, 15]),
      levels: fc.constantFrom([80, 95], [95, 80, 50], [99.9], []),
    });
    fc.assert(
      fc.property(request, ({ values, ...options }) => {
        const whole = { series: { startMs: 5, stepMs: 60_000, values }, ...options };
        const answer = forecast(whole);
        expect(forecast(whole)).toEqual(answer);
        if (answer.status === "learning") expect(answer.reason).toMatch(/needs|can forecast/);
        else expectInvariants(whole, answer.forecast);
      }),
      { numRuns: 150, seed: 20261123 },
    );
  });

  test.each<[string, (t: number) => number | null]>([
    ["zero", () => 0],
    ["a constant", () => 7],
    ["a negative constant", () => -7],
    ["near the largest number", (t) => 1e308 * (1 - (t % 24) / 100)],
    ["near the smallest number", (t) => 5e-324 * (t % 24)],
    ["one spike", (t) => (t === 400 ? 1e9 : 10 + (t % 24))],
    ["one value a day", (t) => (t % 24 === 3 ? t : null)],
    ["a long outage", (t) => (t > 300 && t < 420 ? null : 50 + (t % 24))],
    ["an outage that still goes on", (t) => (t > 480 ? null : 50 + (t % 24))],
    ["around zero", (t) => Math.sin(t / 3)],
  ])("a valid forecast or a reason is returned for: %s", (_, value) => {
    const request = hourly(Array.from({ length: 500 }, (_unused, t) => value(t)));
    if (reasonOf(request) === "ready") expectInvariants(request, ready(request));
    else expect(reasonOf(request)).toMatch(/the rest are gaps/);
  });

  test("a constant is forecast to stay constant, with very narrow intervals", () => {
    const made = ready(hourly(Array.from({ length: 500 }, () => 7.25)));
    for (const value of made.mean) expect(value).toBeCloseTo(7.25, 6);
    for (const value of made.intervals[1]?.upper ?? []) expect(value).toBeCloseTo(7.25, 4);
  });

  test("scaling a series scales its forecast", () => {
    const values = visitors(700, 1);
    const made = ready(hourly(values));
    const scaled = ready(hourly(values.map((value) => value * 1024)));
    scaled.mean.forEach((value, h) => expect(value / 1024).toBeCloseTo(made.mean[h]!, 6));
    scaled.intervals.forEach(({ upper }, l) =>
      upper.forEach((value, h) =>
        expect(value / 1024).toBeCloseTo(made.intervals[l]!.upper[h]!, 6),
      ),
    );
  });

  test("values that are not finite numbers count as gaps", () => {
    const values: (number | null)[] = visitors(700, 2);
    const odd = values.with(100, NaN).with(200, Infinity).with(300, -Infinity);
    const gaps = values.with(100, null).with(200, null).with(300, null);
    expect(ready(hourly(odd)).mean).toEqual(ready(hourly(gaps)).mean);
  });

  test("the forecast starts at the end of the last step", () => {
    const values = [null, null, ...visitors(400, 3)];
    const made = ready({ ...hourly(values), series: { startMs: 1000, stepMs: HOUR_MS, values } });
    expect(made.startMs).toBe(1000 + 402 * HOUR_MS);
  });
});
