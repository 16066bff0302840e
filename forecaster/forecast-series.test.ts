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
