import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { ForecastRequest } from "./forecast.ts";
import {
  countQuantile,
  type CountDistribution,
  probabilityUpTo,
} from "./seasonal/negative-binomial.ts";
import { expectInvariants, gammaNoise, HOUR_MS, poisson, random, ready } from "./simulated.ts";

const DAY = 24;
const WEEK = 7 * DAY;
const HISTORY = 8 * WEEK;

type Rate = (hour: number) => number;
const shapes: Record<string, Rate> = {
  flat: () => 1,
  daily: (hour) => 1 + 0.8 * Math.sin((2 * Math.PI * hour) / DAY),
  "working hours only": (hour) =>
    hour % DAY >= 8 && hour % DAY < 18 && hour % WEEK < 5 * DAY ? 3.36 : 0,
};

type Simulation = {
  rate: Rate;
  /** The variance is mean + dispersion · mean². */
  dispersion: number;
  stepMs?: number;
  historyHours?: number;
};

/** Simulates many series, and compares each forecast of the next two days with the true mean and with the outcome. */
function simulate({ rate, dispersion, stepMs = HOUR_MS, historyHours = HISTORY }: Simulation) {
  const runs = 40;
  const stepsPerHour = HOUR_MS / stepMs;
  const horizon = stepsPerHour === 1 ? 48 : 6 * stepsPerHour;
  const n = historyHours * stepsPerHour;
  const sums = { predicted: 0, expected: 0, total: 0 };
  const inside = { step80: 0, step95: 0, sum80: 0, sum95: 0 };
  for (let run = 0; run < runs; run++) {
    const uniform = random(7919 * run + 13);
    // Series start at any time of the week.
    const meanAt = (t: number): number => rate(t / stepsPerHour + 17 * run) / stepsPerHour;
    const values = Array.from({ length: n + horizon }, (_, t) =>
      poisson(uniform, meanAt(t) * gammaNoise(uniform, dispersion)),
    );
    const future = values.slice(n);
    const made = ready({
      series: { startMs: 0, stepMs, values: values.slice(0, n) },
      horizon,
      seasonalities: [DAY * stepsPerHour, WEEK * stepsPerHour],
      levels: [80, 95],
    });
    const outcome = future.reduce((sum, count) => sum + count, 0);
    future.forEach((count, h) => {
      sums.predicted += made.mean[h]!;
      sums.expected += meanAt(n + h);
      const [narrow, wide] = made.intervals.map(
        ({ lower, upper }) => count >= lower[h]! && count <= upper[h]!,
      );
      inside.step80 += Number(narrow) / horizon / runs;
      inside.step95 += Number(wide) / horizon / runs;
    });
    sums.total += made.sum.mean;
    const [narrow, wide] = made.sum.intervals.map(
      ({ lower, upper }) => outcome >= lower && outcome <= upper,
    );
    inside.sum80 += Number(narrow) / runs;
    inside.sum95 += Number(wide) / runs;
  }
  return {
    ratio: sums.predicted / sums.expected,
    ratioOfSums: sums.total / sums.expected,
    ...inside,
  };
}

function expectRight({ ratio, ratioOfSums, ...inside }: ReturnType<typeof simulate>): void {
  for (const one of [ratio, ratioOfSums]) {
    expect(one).toBeGreaterThan(0.9);
    expect(one).toBeLessThan(1.1);
  }
  // Counts are whole numbers, so the coverage is at least nominal; sums are few, so theirs is measured with some error.
  expect(inside.step80).toBeGreaterThan(0.78);
  expect(inside.step95).toBeGreaterThan(0.94);
  expect(inside.sum80).toBeGreaterThan(0.68);
  expect(inside.sum95).toBeGreaterThan(0.87);
}

describe("the mean of a low count is right within 10 %, and its intervals hold", () => {
  const rates = [0.05, 0.2, 1, 3];
  const cases = Object.keys(shapes).flatMap((shape) =>
    rates.flatMap((perHour) => [0, 1].map((dispersion) => ({ shape, perHour, dispersion }))),
  );
  test.each(cases)("$perHour an hour, $shape, dispersion $dispersion", (of) => {
    const shape = shapes[of.shape]!;
    expectRight(simulate({ ...of, rate: (hour) => of.perHour * shape(hour) }));
  });

  test.each([0.1, 0.5, 4])("%f an hour in steps of five minutes", (perHour) => {
    const rate = (hour: number): number => perHour * shapes["daily"]!(hour);
    expectRight(simulate({ rate, dispersion: 0, stepMs: HOUR_MS / 12, historyHours: 4 * WEEK }));
  });

  test.each([0.1, 0.5, 4])("%f an hour in steps of a minute", (perHour) => {
    const rate = (): number => perHour;
    expectRight(simulate({ rate, dispersion: 0, stepMs: HOUR_MS / 60, historyHours: 2 * WEEK }));
  });

  test("one job a week is forecast at its hour", () => {
    const values = Array.from({ length: HISTORY }, (_, t) => (t % WEEK === 51 ? 12 : 0));
    const made = ready(hourlyCount(values, WEEK));
    expect(made.mean.indexOf(Math.max(...made.mean))).toBe(51);
    expect(made.mean[51]).toBeGreaterThan(6);
    expect(made.sum.mean).toBeGreaterThan(10);
    expect(made.sum.mean).toBeLessThan(14);
  });

  test("the level of a count that has changed is followed", () => {
    let predicted = 0;
    for (let seed = 0; seed < 20; seed++) {
      const uniform = random(seed);
      const values = Array.from({ length: HISTORY }, (_, t) =>
        poisson(uniform, t < HISTORY - 10 * DAY ? 0.05 : 1),
      );
      predicted += ready(hourlyCount(values, 48)).sum.mean / 20;
    }
    expect(predicted).toBeGreaterThan(0.9 * 48);
    expect(predicted).toBeLessThan(1.1 * 48);
  });

  test("without any event, nothing is forecast, but one event is within the sum's interval", () => {
    const made = ready(
      hourlyCount(
        Array.from({ length: 5 * DAY }, () => 0),
        48,
      ),
    );
    expect(made.sum.mean).toBe(0);
    expect(made.sum.intervals[1]?.upper).toBeGreaterThanOrEqual(1);
  });

  test("the score has no absolute error, which would prefer a forecast of 0, and has the coverage", () => {
    const uniform = random(4);
    const values = Array.from({ length: HISTORY }, () => poisson(uniform, 0.2));
    const { score, model } = ready(hourlyCount(values, 48));
    expect(model).toBe("mean rate");
    expect(score.mase).toBeNull();
    expect(score.coverage.map(({ level }) => level)).toEqual([80, 95]);
    for (const { level, ratio } of score.coverage) expect(ratio).toBeGreaterThan(level / 100);
  });

  test("for any low counts a forecast is finite, ordered and nested", () => {
    const count = fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }) },
      { weight: 1, arbitrary: fc.constantFrom(null, 5000, 2e6) },
    );
    const counts = fc.array(count, { minLength: 48, maxLength: 300, size: "max" });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 60 }), (values, horizon) => {
        const request = { ...hourlyCount(values, horizon), seasonalities: [6, 42] };
        expectInvariants(request, ready(request));
      }),
      { numRuns: 100, seed: 20261129 },
    );
  });
});

function hourlyCount(values: readonly (number | null)[], horizon: number): ForecastRequest {
  return {
    series: { startMs: 0, stepMs: HOUR_MS, values },
    horizon,
    seasonalities: [DAY, WEEK],
    levels: [80, 95],
  };
}

describe("the distribution of a count", () => {
  test.each<CountDistribution>([
    { mean: 0.05, dispersion: 0 },
    { mean: 2.5, dispersion: 0 },
    { mean: 2.5, dispersion: 1 },
    { mean: 999, dispersion: 0.2 },
  ])("has its mean and variance: %o", (distribution) => {
    let mean = 0;
    let squares = 0;
    for (let count = 1; count < 12_000; count++) {
      const beyond = 1 - probabilityUpTo(count - 1, distribution);
      if (beyond < 1e-12) break;
      mean += beyond;
      squares += (2 * count - 1) * beyond;
    }
    const variance = distribution.mean + distribution.dispersion * distribution.mean ** 2;
    expect(mean / distribution.mean).toBeCloseTo(1, 3);
    expect((squares - mean ** 2) / variance).toBeCloseTo(1, 2);
  });

  test("a quantile is the smallest count that is not exceeded with its probability", () => {
    const shares = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    const means = fc.double({ min: 0.001, max: 900, noNaN: true });
    const dispersions = fc.constantFrom(0, 0.01, 0.5, 3);
    fc.assert(
      fc.property(shares, means, dispersions, (share, mean, dispersion) => {
        const count = countQuantile(share, { mean, dispersion });
        expect(probabilityUpTo(count, { mean, dispersion })).toBeGreaterThanOrEqual(share - 1e-9);
        expect(probabilityUpTo(count - 1, { mean, dispersion })).toBeLessThan(share + 1e-9);
      }),
      { numRuns: 100, seed: 20261129 },
    );
  });

  test("changes little where a large mean is approximated by a normal distribution", () => {
    for (const share of [0.025, 0.1, 0.9, 0.975]) {
      const [below, above] = [999, 1001].map((mean) =>
        countQuantile(share, { mean, dispersion: 0 }),
      );
      expect(Math.abs(below! - above!)).toBeLessThan(5);
    }
  });
});
