import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { forecast } from "./forecast-series.ts";
import type { Forecast, ForecastRequest } from "./forecast.ts";

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const WEEK_HOURS = 168;

/** A small generator of uniform numbers in [0, 1) that gives the same for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function gaussian(uniform: () => number): number {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += uniform();
  return sum - 6;
}

/** Visitors by day and week, with noise of the given share. */
function visitors(hours: number, seed: number, noise = 0.08): number[] {
  const uniform = random(seed);
  return Array.from({ length: hours }, (_, t) => {
    const ofDay = 1 + 0.6 * Math.sin((2 * Math.PI * (t % DAY_HOURS)) / DAY_HOURS);
    const weekend = t % WEEK_HOURS >= 5 * DAY_HOURS ? 0.5 : 1;
    return 400 * ofDay * weekend * Math.max(0, 1 + noise * gaussian(uniform)) + 20;
  });
}

function hourly(
  values: readonly (number | null)[],
  horizon = 48,
  more: Partial<ForecastRequest> = {},
): ForecastRequest {
  return {
    series: { startMs: 0, stepMs: HOUR_MS, values },
    horizon,
    seasonalities: [DAY_HOURS, WEEK_HOURS],
    levels: [80, 95],
    ...more,
  };
}

function ready(request: ForecastRequest): Forecast {
  const answer = forecast(request);
  if (answer.status === "learning") throw new Error(answer.reason);
  return answer.forecast;
}

function reasonOf(request: ForecastRequest): string {
  const answer = forecast(request);
  return answer.status === "learning" ? answer.reason : "ready";
}

/** What must hold of every forecast whatever it was made from. */
function expectSound(request: ForecastRequest, made: Forecast): void {
  expect(made.mean).toHaveLength(request.horizon);
  const numbers = [...made.mean, made.sum.mean];
  for (const { lower, upper } of made.intervals) {
    expect([lower.length, upper.length]).toEqual([request.horizon, request.horizon]);
    numbers.push(...lower, ...upper);
  }
  for (const { lower, upper } of made.sum.intervals) numbers.push(lower, upper);
  expect(numbers.every(Number.isFinite)).toBe(true);
  const nested = (inner: number[], outer: number[]) =>
    inner.every((value, i) => i === 0 || value >= inner[i - 1]!) && outer.length > 0;
  for (let h = 0; h < request.horizon; h++) {
    const ascending = [
      ...made.intervals.map((interval) => interval.lower[h]!).toReversed(),
      made.mean[h]!,
      ...made.intervals.map((interval) => interval.upper[h]!),
    ];
    expect(nested(ascending, ascending)).toBe(true);
  }
  const sums = [
    ...made.sum.intervals.map((interval) => interval.lower).toReversed(),
    made.sum.mean,
    ...made.sum.intervals.map((interval) => interval.upper),
  ];
  expect(nested(sums, sums)).toBe(true);
  if (request.series.values.every((value) => value === null || !(value < 0))) {
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  }
}

const meanError = (said: readonly number[], truth: readonly number[]): number =>
  truth.reduce((sum, value, i) => sum + Math.abs(value - (said[i] ?? NaN)), 0) / truth.length;

const oddValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.constant(null) },
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e308, -1e308, 5e-324, Number.MAX_SAFE_INTEGER),
);

describe("whatever the series", () => {
  test("a forecast is finite, ordered, nested, as long as asked, and the same each time", () => {
    const request = fc.record({
      values: fc.oneof(
        fc.array(oddValue, { maxLength: 20 }),
        fc.array(oddValue, { minLength: 60, maxLength: 260, size: "max" }),
      ),
      horizon: fc.integer({ min: 1, max: 40 }),
      seasonalities: fc.constantFrom([6, 42], [24], [12, 24], [7], [10, 15]),
      levels: fc.constantFrom([80, 95], [95, 80, 50], [99.9], []),
    });
    fc.assert(
      fc.property(request, ({ values, ...asked }) => {
        const whole = { series: { startMs: 5, stepMs: 60_000, values }, ...asked };
        const answer = forecast(whole);
        expect(forecast(whole)).toEqual(answer);
        if (answer.status === "learning") expect(answer.reason).toMatch(/needs|can look/);
        else expectSound(whole, answer.forecast);
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
  ])("%s is forecast without a fault", (_, value) => {
    const request = hourly(Array.from({ length: 500 }, (_unused, t) => value(t)));
    if (reasonOf(request) === "ready") expectSound(request, ready(request));
    else expect(reasonOf(request)).toMatch(/the rest are gaps/);
  });

  test("a constant is forecast to stay, with hardly any doubt", () => {
    const made = ready(hourly(Array.from({ length: 500 }, () => 7.25)));
    for (const value of made.mean) expect(value).toBeCloseTo(7.25, 6);
    for (const value of made.intervals[1]?.upper ?? []) expect(value).toBeCloseTo(7.25, 4);
  });

  test("a series in other units gives the same forecast in these units", () => {
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

  test("steps that are no numbers count as gaps", () => {
    const values: (number | null)[] = visitors(700, 2);
    const odd = values.with(100, NaN).with(200, Infinity).with(300, -Infinity);
    const gaps = values.with(100, null).with(200, null).with(300, null);
    expect(ready(hourly(odd)).mean).toEqual(ready(hourly(gaps)).mean);
  });

  test("the forecast starts right after the last step", () => {
    const values = [null, null, ...visitors(400, 3)];
    const made = ready({ ...hourly(values), series: { startMs: 1000, stepMs: HOUR_MS, values } });
    expect(made.startMs).toBe(1000 + 402 * HOUR_MS);
  });
});

describe("with daily and weekly curves", () => {
  test("it is clearly better than the same hour a day or a week ago", () => {
    const errors = { forecast: 0, week: 0, day: 0 };
    for (let seed = 11; seed < 31; seed++) {
      const all = visitors(1008 + 48, seed);
      const history = all.slice(0, 1008);
      const truth = all.slice(1008);
      errors.forecast += meanError(ready(hourly(history)).mean, truth);
      errors.week += meanError(history.slice(-WEEK_HOURS), truth);
      errors.day += meanError([...history.slice(-DAY_HOURS), ...history.slice(-DAY_HOURS)], truth);
    }
    expect(errors.forecast).toBeLessThan(0.88 * errors.week);
    expect(errors.forecast).toBeLessThan(0.88 * errors.day);
  });

  test("intervals hold about as much truth as they promise, and so does the score", () => {
    const inside = [0, 0];
    const promised = [0, 0];
    const seeds = Array.from({ length: 40 }, (_, i) => 100 + i);
    for (const seed of seeds) {
      const all = visitors(1008 + 48, seed);
      const made = ready(hourly(all.slice(0, 1008)));
      made.intervals.forEach(({ lower, upper }, l) => {
        const held = all.slice(1008).filter((value, h) => value >= lower[h]! && value <= upper[h]!);
        inside[l]! += held.length / 48 / seeds.length;
        promised[l]! += made.score.coverage[l]!.ratio / seeds.length;
      });
    }
    expect(inside[0]).toBeGreaterThan(0.74);
    expect(inside[0]).toBeLessThan(0.88);
    expect(inside[1]).toBeGreaterThan(0.915);
    expect(inside[1]).toBeLessThan(0.985);
    expect(Math.abs(promised[0]! - inside[0]!)).toBeLessThan(0.06);
    expect(Math.abs(promised[1]! - inside[1]!)).toBeLessThan(0.04);
  });

  test("the score tells how much better than the same time a day ago it was", () => {
    const { score, model } = ready(hourly(visitors(1008, 21)));
    expect(model).toBe("seasonal ensemble");
    expect(score.origins).toBeGreaterThan(20);
    expect(score.mase).toBeGreaterThan(0);
    expect(score.mase).toBeLessThan(0.8);
  });

  test("one outlier in the history hardly moves the forecast", () => {
    const values = visitors(1008, 22, 0.02);
    const made = ready(hourly(values));
    const spoilt = ready(hourly(values.with(1000, 40_000)));
    expect(meanError(spoilt.mean, made.mean)).toBeLessThan(0.05 * 400);
  });

  test("after a lasting change of level the forecast is at the new one", () => {
    const values = visitors(1008 + 48, 23, 0.02);
    const shifted = values.map((value, t) => (t > 1008 - 60 ? 3 * value : value));
    const error = meanError(ready(hourly(shifted.slice(0, 1008))).mean, shifted.slice(1008));
    expect(error).toBeLessThan(0.15 * 3 * 400);
  });

  test("gaps are filled from the seasons", () => {
    const all = visitors(1008 + 48, 24, 0.02);
    const uniform = random(9);
    const holes = all.slice(0, 1008).map((value) => (uniform() < 0.2 ? null : value));
    expect(meanError(ready(hourly(holes)).mean, all.slice(1008))).toBeLessThan(0.06 * 400);
  });

  test("where deviations last for an hour, the next minutes of a per-minute series follow the last ones", () => {
    const uniform = random(31);
    const usual = (t: number): number => 300 + 200 * Math.sin((2 * Math.PI * t) / 1440);
    let deviation = 0;
    const values = Array.from({ length: 9 * 1440 }, (_, t) => {
      deviation = 0.985 * deviation + 0.03 * gaussian(uniform);
      return usual(t) * Math.exp(deviation);
    });
    let error = 0;
    let errorOfUsual = 0;
    for (let end = 7 * 1440; end < 9 * 1440 - 10; end += 247) {
      const truth = values.slice(end, end + 10);
      const request = hourly(values.slice(0, end), 60, { seasonalities: [1440, 10_080] });
      const made = ready({ ...request, series: { ...request.series, stepMs: 60_000 } });
      error += meanError(made.mean.slice(0, 10), truth);
      errorOfUsual += meanError(
        truth.map((_, i) => usual(end + i)),
        truth,
      );
    }
    expect(error).toBeLessThan(0.75 * errorOfUsual);
  });
});

describe("where seasons do not help", () => {
  test("a random walk is forecast from where it is now", () => {
    const uniform = random(41);
    let level = 1000;
    const values = Array.from({ length: 700 }, () => (level += 30 * gaussian(uniform)));
    const made = ready(hourly(values, 6));
    expect(Math.abs(made.mean[0]! - values[699]!)).toBeLessThan(100);
  });

  test("a course that repeats to the digit is forecast to repeat, and the model says by what", () => {
    const uniform = random(42);
    const week = Array.from({ length: WEEK_HOURS }, () => Math.floor(1000 * uniform()));
    const values = Array.from({ length: 5 * WEEK_HOURS }, (_, t) => week[t % WEEK_HOURS]!);
    const made = ready(hourly(values));
    expect(made.model).toBe("seasonal naive, long season");
    expect(meanError(made.mean, week.slice(0, 48))).toBeLessThan(1e-9);
  });

  test("the score does not hide jumps that nobody could foresee", () => {
    const uniform = random(43);
    let level = 100;
    const values = Array.from({ length: 700 }, () => {
      if (uniform() < 0.03) level = 50 + 400 * uniform();
      return level + gaussian(uniform);
    });
    const { score } = ready(hourly(values, 24));
    expect(score.mase).toBeGreaterThan(0.3);
  });
});

describe("the sum over the horizon", () => {
  test("holds the true total about as often as promised, and is nearly unbiased, for low counts", () => {
    let inside = 0;
    let said = 0;
    let came = 0;
    const runs = 60;
    for (let run = 0; run < runs; run++) {
      const uniform = random(500 + run);
      const counts = Array.from({ length: 21 * 288 + 6 }, (_, t) => {
        const rate = 0.8 * (1 + 0.7 * Math.sin((2 * Math.PI * (t % 288)) / 288));
        let product = uniform();
        let count = 0;
        for (const limit = Math.exp(-rate); product > limit; count++) product *= uniform();
        return count;
      });
      const made = ready({
        series: { startMs: 0, stepMs: 300_000, values: counts.slice(0, -6) },
        horizon: 6,
        seasonalities: [288, 2016],
        levels: [95],
      });
      const total = counts.slice(-6).reduce((sum, count) => sum + count, 0);
      const [interval] = made.sum.intervals;
      if (interval && total >= interval.lower && total <= interval.upper) inside++;
      said += made.sum.mean;
      came += total;
    }
    expect(inside / runs).toBeGreaterThan(0.88);
    expect(Math.abs(said / came - 1)).toBeLessThan(0.15);
  });

  test("of hardly any events is never more certain than a Poisson count", () => {
    const values = Array.from({ length: 700 }, (_, t) => (t % 350 === 0 ? 1 : 0));
    const made = ready(hourly(values, 6));
    expect(made.sum.intervals[1]?.upper).toBeGreaterThan(1);
  });
});

describe("while learning", () => {
  test("it says in words how much history is missing", () => {
    expect(reasonOf(hourly(visitors(11, 51)))).toBe("needs two full days of history, has 11 h");
    expect(reasonOf(hourly(visitors(47, 51)))).toBe("needs two full days of history, has 1 d 23 h");
    expect(reasonOf(hourly([]))).toBe("needs two full days of history, has no value yet");
    expect(reasonOf(hourly([null, NaN]))).toBe("needs two full days of history, has no value yet");
  });

  test("time before the first value is no history", () => {
    const empty = Array.from({ length: 200 }, () => null);
    expect(reasonOf(hourly([...empty, ...visitors(11, 52)]))).toMatch(/has 11 h$/);
  });

  test("gaps do not count as measured", () => {
    const values = Array.from({ length: 100 }, (_, t) => (t % 10 === 0 ? 5 : null));
    expect(reasonOf(hourly(values))).toBe(
      "needs 1 d of measured values in its history, has 10 h; the rest are gaps",
    );
  });

  test("two days are enough for a forecast from the day alone", () => {
    const request = hourly(visitors(48, 53), 24);
    expectSound(request, ready(request));
  });

  test("with little more than a week only the day is used, so that one weekend is not taken for a rule", () => {
    const request = hourly(visitors(10 * DAY_HOURS, 54), 24);
    const withoutWeek = { ...request, seasonalities: [DAY_HOURS] };
    expect(ready(request).mean).toEqual(ready(withoutWeek).mean);
  });

  test("what cannot be asked for is said", () => {
    expect(reasonOf(hourly(visitors(100, 55), 0))).toMatch(/a horizon of one step or more/);
    expect(reasonOf(hourly(visitors(100, 55), 1e6))).toMatch(/can look 16 d 16 h ahead/);
    expect(reasonOf(hourly(visitors(100, 55), 5, { seasonalities: [] }))).toMatch(/a season/);
  });
});
