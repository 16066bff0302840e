import { describe, expect, test } from "vitest";

import {
  DAY_HOURS,
  WEEK_HOURS,
  gaussian,
  hourly,
  meanError,
  random,
  ready,
  visitors,
} from "./simulated.ts";

describe("series with daily and weekly seasons", () => {
  test("the error is clearly smaller than that of the same hour a day or a week ago", () => {
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

  test("the coverage of the intervals is close to nominal, and close to the reported score", () => {
    const inside = [0, 0];
    const reported = [0, 0];
    const seeds = Array.from({ length: 40 }, (_, i) => 100 + i);
    for (const seed of seeds) {
      const all = visitors(1008 + 48, seed);
      const made = ready(hourly(all.slice(0, 1008)));
      made.intervals.forEach(({ lower, upper }, l) => {
        const held = all.slice(1008).filter((value, h) => value >= lower[h]! && value <= upper[h]!);
        inside[l]! += held.length / 48 / seeds.length;
        reported[l]! += made.score.coverage[l]!.ratio / seeds.length;
      });
    }
    expect(inside[0]).toBeGreaterThan(0.74);
    expect(inside[0]).toBeLessThan(0.88);
    expect(inside[1]).toBeGreaterThan(0.915);
    expect(inside[1]).toBeLessThan(0.985);
    expect(Math.abs(reported[0]! - inside[0]!)).toBeLessThan(0.06);
    expect(Math.abs(reported[1]! - inside[1]!)).toBeLessThan(0.04);
  });

  test("the score compares the error with that of the same time a day ago", () => {
    const { score, model } = ready(hourly(visitors(1008, 21)));
    expect(model).toBe("seasonal ensemble");
    expect(score.origins).toBeGreaterThan(20);
    expect(score.mase).toBeGreaterThan(0);
    expect(score.mase).toBeLessThan(0.8);
  });

  test("one outlier in the history hardly moves the forecast", () => {
    const values = visitors(1008, 22, 0.02);
    const made = ready(hourly(values));
    const withOutlier = ready(hourly(values.with(1000, 40_000)));
    expect(meanError(withOutlier.mean, made.mean)).toBeLessThan(0.05 * 400);
  });

  test("after a lasting level shift the forecast is at the new level", () => {
    const values = visitors(1008 + 48, 23, 0.02);
    const shifted = values.map((value, t) => (t > 1008 - 60 ? 3 * value : value));
    const error = meanError(ready(hourly(shifted.slice(0, 1008))).mean, shifted.slice(1008));
    expect(error).toBeLessThan(0.15 * 3 * 400);
  });

  test("gaps are filled from earlier seasons", () => {
    const all = visitors(1008 + 48, 24, 0.02);
    const uniform = random(9);
    const withGaps = all.slice(0, 1008).map((value) => (uniform() < 0.2 ? null : value));
    expect(meanError(ready(hourly(withGaps)).mean, all.slice(1008))).toBeLessThan(0.06 * 400);
  });

  test("a per-minute forecast starts near the latest minutes where deviations last for an hour", () => {
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

describe("series without useful seasons", () => {
  test("a random walk is forecast to stay near its last value", () => {
    const uniform = random(41);
    let level = 1000;
    const values = Array.from({ length: 700 }, () => (level += 30 * gaussian(uniform)));
    const made = ready(hourly(values, 6));
    expect(Math.abs(made.mean[0]! - values[699]!)).toBeLessThan(100);
  });

  test("an exactly repeating series is forecast to repeat, by the named model", () => {
    const uniform = random(42);
    const week = Array.from({ length: WEEK_HOURS }, () => Math.floor(1000 * uniform()));
    const values = Array.from({ length: 5 * WEEK_HOURS }, (_, t) => week[t % WEEK_HOURS]!);
    const made = ready(hourly(values));
    expect(made.model).toBe("seasonal naive, long season");
    expect(meanError(made.mean, week.slice(0, 48))).toBeLessThan(1e-9);
  });

  test("a model that is worse than the same hour last week gives way to it", () => {
    const errors = { forecast: 0, week: 0 };
    for (let seed = 1000; seed < 1020; seed++) {
      const uniform = random(seed);
      const week = Array.from({ length: WEEK_HOURS }, () => 100 + 1000 * uniform());
      const values = Array.from(
        { length: 5 * WEEK_HOURS + 48 },
        (_, t) => week[t % WEEK_HOURS]! * (1 + 0.02 * gaussian(uniform)),
      );
      const [history, truth] = [values.slice(0, -48), values.slice(-48)];
      errors.forecast += meanError(ready(hourly(history)).mean, truth);
      errors.week += meanError(history.slice(-WEEK_HOURS), truth);
    }
    expect(errors.forecast).toBeLessThan(1.04 * errors.week);
  });

  test("the score includes the errors of unforeseeable jumps", () => {
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
  test("has nominal coverage and is nearly unbiased, for low counts", () => {
    let inside = 0;
    let predicted = 0;
    let actual = 0;
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
      predicted += made.sum.mean;
      actual += total;
    }
    expect(inside / runs).toBeGreaterThan(0.88);
    expect(Math.abs(predicted / actual - 1)).toBeLessThan(0.15);
  });

  test("has an interval at least as wide as that of a Poisson count when events are rare", () => {
    const values = Array.from({ length: 700 }, (_, t) => (t % 350 === 0 ? 1 : 0));
    const made = ready(hourly(values, 6));
    expect(made.sum.intervals[1]?.upper).toBeGreaterThan(1);
  });
});
