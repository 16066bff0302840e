import { expect } from "vitest";

import { forecast } from "./forecast-series.ts";
import type { Forecast, ForecastRequest } from "./forecast.ts";

export const HOUR_MS = 3_600_000;
export const DAY_HOURS = 24;
export const WEEK_HOURS = 168;

/** A deterministic generator of uniform numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function gaussian(uniform: () => number): number {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += uniform();
  return sum - 6;
}

export function poisson(uniform: () => number, mean: number): number {
  let count = 0;
  // In parts, because the probability of 0 underflows for large means.
  for (let rest = mean; rest > 0; rest -= 20) {
    const none = Math.exp(-Math.min(rest, 20));
    for (let product = uniform(); product > none; count++) product *= uniform();
  }
  return count;
}

/** A factor with mean 1 that makes a Poisson count negative binomial; a dispersion of 0 or 1. */
export const gammaNoise = (uniform: () => number, dispersion: number): number =>
  dispersion === 0 ? 1 : -Math.log(1 - uniform());

/** Visitors per hour with a daily and a weekly season and relative noise. */
export function visitors(hours: number, seed: number, noise = 0.08): number[] {
  const uniform = random(seed);
  return Array.from({ length: hours }, (_, t) => {
    const ofDay = 1 + 0.6 * Math.sin((2 * Math.PI * (t % DAY_HOURS)) / DAY_HOURS);
    const weekend = t % WEEK_HOURS >= 5 * DAY_HOURS ? 0.5 : 1;
    return 400 * ofDay * weekend * Math.max(0, 1 + noise * gaussian(uniform)) + 20;
  });
}

export function hourly(
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

export function ready(request: ForecastRequest): Forecast {
  const answer = forecast(request);
  if (answer.status === "learning") throw new Error(answer.reason);
  return answer.forecast;
}

export function reasonOf(request: ForecastRequest): string {
  const answer = forecast(request);
  return answer.status === "learning" ? answer.reason : "ready";
}

/** Checks the invariants of every forecast. */
export function expectInvariants(request: ForecastRequest, made: Forecast): void {
  expect(made.mean).toHaveLength(request.horizon);
  const numbers = [...made.mean, made.sum.mean];
  for (const { lower, upper } of made.intervals) {
    expect([lower.length, upper.length]).toEqual([request.horizon, request.horizon]);
    numbers.push(...lower, ...upper);
  }
  for (const { lower, upper } of made.sum.intervals) numbers.push(lower, upper);
  expect(numbers.every(Number.isFinite)).toBe(true);
  for (let h = 0; h < request.horizon; h++) {
    const ascending = [
      ...made.intervals.map((interval) => interval.lower[h]!).toReversed(),
      made.mean[h]!,
      ...made.intervals.map((interval) => interval.upper[h]!),
    ];
    expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
  }
  const sums = [
    ...made.sum.intervals.map((interval) => interval.lower).toReversed(),
    made.sum.mean,
    ...made.sum.intervals.map((interval) => interval.upper),
  ];
  expect(sums).toEqual(sums.toSorted((a, b) => a - b));
  if (request.series.values.every((value) => value === null || !(value < 0))) {
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  }
}

export const meanError = (predicted: readonly number[], truth: readonly number[]): number =>
  truth.reduce((sum, value, i) => sum + Math.abs(value - (predicted[i] ?? NaN)), 0) / truth.length;
