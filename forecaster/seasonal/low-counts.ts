import { probit } from "simple-statistics";

import type { Forecast, Interval } from "../forecast.ts";
import type { Candidate, Setting } from "./candidates.ts";
import { type BucketCounts, bucketCounts, type FittedRates, fitRates } from "./count-rates.ts";
import { samplingStep } from "./errors.ts";
import { countQuantile, type CountDistribution, probabilityUpTo } from "./negative-binomial.ts";
import type { Prepared } from "./prepare.ts";

/**
 * Counts with a mean per bucket below the first limit are forecast by their rate, because the models of the ensemble
 * forecast medians: mostly 0. Below the second one, the more accurate forecast of the mean is used.
 */
const RARE_MEAN = 1.5;
const LOW_MEAN = 50;
/** Larger values are no numbers of events. */
const COUNT_MAX = 1e9;
/** The level of the last days decides, because it is the level of the forecast. */
const RECENT_DAYS = 7;
/** The errors of sums are measured over windows of the horizon, or shorter ones if there would be fewer than this. */
const WINDOWS_MIN = 8;
/** The logarithm of the likelihood ratio from which on a lead is not due to chance, as the origins overlap. */
const CLEAR_LEAD = 60;
/** A mean of 0 is impossible as soon as one event has occurred, so it counts as this share of the rate. */
const MEAN_RATIO_MIN = 0.1;

type CountForecast = Pick<Forecast, "model" | "mean" | "intervals" | "sum" | "score">;

/** The rates of a count, as forecast for a horizon. */
export type CountForecaster = { counts: BucketCounts; rates: FittedRates; horizon: number };

/** `rare`: only the rate can be forecast; `low`: medians may differ much from means. */
export function countLevel(prepared: Prepared): "rare" | "low" | "high" {
  if (!prepared.counts || prepared.unit > COUNT_MAX) return "high";
  const mean = recentMean(prepared);
  return mean < RARE_MEAN ? "rare" : mean < LOW_MEAN ? "low" : "high";
}

/** The mean number of events of the last buckets. */
function recentMean({ buckets, bucketSteps, day, unit }: Prepared): number {
  const recent = buckets.subarray(Math.max(0, buckets.length - RECENT_DAYS * day));
  const sum = recent.reduce((total, value) => total + value, 0);
  return (sum * unit * bucketSteps) / Math.max(1, recent.length);
}

export function fitCount(prepared: Prepared, horizon: number): CountForecaster {
  const counts = bucketCounts(prepared);
  const buckets = Math.ceil(horizon / prepared.bucketSteps);
  const gap = Math.max(1, Math.min(prepared.day, Math.round(buckets / 2)));
  return { counts, rates: fitRates(counts, gap), horizon };
}

/**
 * Whether the rates forecast the means of the backtest clearly better than a candidate, by the likelihood of a Poisson
 * count. Absolute errors would prefer medians.
 */
export function isBetterMean(
  { counts, rates }: CountForecaster,
  setting: Setting,
  candidate: Candidate,
): boolean {
  const { fine, bucketSteps, unit } = counts.prepared;
  let lead = 0;
  setting.origins.at.forEach((origin, i) => {
    for (let h = 0; h < setting.horizon; h += samplingStep(setting.horizon)) {
      const step = origin * bucketSteps + h;
      const count = fine[step]! * unit;
      const rate = rates.backtest[Math.floor(step / bucketSteps)]!;
      if (!(count >= 0 && rate > 0)) continue;
      const other = Math.max(candidate.backtest[i]![h]! * unit, rate * MEAN_RATIO_MIN);
      lead += other - rate - count * Math.log(other / rate);
    }
  });
  return lead >= CLEAR_LEAD;
}

/** Forecasts a count by its rate, with the intervals of a negative binomial distribution. */
export function forecastByRate(
  { counts, rates, horizon }: CountForecaster,
  levels: readonly number[],
): CountForecast {
  const { bucketSteps, buckets } = counts.prepared;
  const steps = stepCounts(counts.prepared, rates);
  const mean = Array.from({ length: horizon }, (_, h) =>
    rates.rateAt(buckets.length + Math.floor(h / bucketSteps)),
  );
  const total = mean.reduce((sum, value) => sum + value, 0);
  const uncertainty = levelUncertainty(counts, rates);
  const ofStep = dispersionOf(steps, 1) + uncertainty;
  const window = windowFor(steps, horizon);
  // With few windows the dispersion of their sums is uncertain; it is at least that of independent steps.
  const ofTotal = Math.max(dispersionOf(steps, window), ofStep / window) + uncertainty;
  const rateMin = 0.5 / Math.max(1, steps.counts.length);
  const distribution = (value: number): CountDistribution => ({
    mean: Math.max(value, rateMin),
    dispersion: ofStep,
  });
  return {
    model: rates.model,
    mean,
    intervals: levels.map((level) => stepInterval(level, mean, distribution)),
    sum: {
      mean: total,
      intervals: levels.map((level) => ({ level, ...sumBounds(level, total, ofTotal) })),
    },
    score: {
      origins: rates.backtest.reduce((sum, rate) => sum + (Number.isNaN(rate) ? 0 : 1), 0),
      // An absolute error is smallest for a forecast of 0, so it does not measure a mean of rare events.
      mase: null,
      coverage: levels.map((level) => ({ level, ratio: coverageOf(level, steps, distribution) })),
    },
  };
}

function stepInterval(
  level: number,
  mean: readonly number[],
  distribution: (mean: number) => CountDistribution,
): Interval {
  const known = new Map<number, Bounds>();
  const lower: number[] = [];
  const upper: number[] = [];
  for (const value of mean) {
    const found = known.get(value) ?? bounds(level, value, distribution(value));
    known.set(value, found);
    lower.push(found.lower);
    upper.push(found.upper);
  }
  return { level, lower, upper };
}

type Bounds = { lower: number; upper: number };

/** The central interval of a count, widened to contain the mean. */
function bounds(level: number, mean: number, distribution: CountDistribution): Bounds {
  const outside = (1 - level / 100) / 2;
  return {
    lower: Math.min(mean, countQuantile(outside, distribution)),
    upper: Math.max(mean, countQuantile(1 - outside, distribution)),
  };
}

/** At least as wide as the interval of a Poisson count on the square-root scale: one event is never a surprise. */
function sumBounds(level: number, mean: number, dispersion: number): Bounds {
  const sigmas = probit(0.5 + level / 200);
  const poissonUpper = mean + sigmas * Math.sqrt(mean + 0.25) + sigmas ** 2 / 4;
  const { lower, upper } = bounds(level, mean, { mean, dispersion });
  return { lower, upper: Math.max(upper, poissonUpper) };
}

/** The measured steps of the backtest with their forecast means. */
type StepCounts = { counts: Float64Array; means: Float64Array };

function stepCounts({ fine, unit, bucketSteps }: Prepared, { backtest }: FittedRates): StepCounts {
  const counts: number[] = [];
  const means: number[] = [];
  fine.forEach((value, step) => {
    const mean = backtest[Math.floor(step / bucketSteps)]!;
    if (Number.isNaN(value) || Number.isNaN(mean)) return;
    counts.push(Math.round(value * unit));
    means.push(mean);
  });
  return { counts: Float64Array.from(counts), means: Float64Array.from(means) };
}

/** The share of counts inside the interval of their distribution. */
function coverageOf(
  level: number,
  { counts, means }: StepCounts,
  distribution: (mean: number) => CountDistribution,
): number {
  const outside = (1 - level / 100) / 2;
  let inside = 0;
  counts.forEach((count, i) => {
    const of = distribution(means[i]!);
    if (probabilityUpTo(count, of) < outside) return;
    if (count === 0 || probabilityUpTo(count - 1, of) < 1 - outside) inside += 1;
  });
  return counts.length > 0 ? inside / counts.length : 1;
}

/** The largest window, up to the horizon, of which the backtest has enough. */
const windowFor = ({ counts }: StepCounts, horizon: number): number =>
  Math.max(1, Math.min(horizon, Math.floor(counts.length / WINDOWS_MIN)));

/** The dispersion of the sums of windows of this many steps, by the method of moments. */
function dispersionOf({ counts, means }: StepCounts, window: number): number {
  let excess = 0;
  let squares = 0;
  for (let from = counts.length % window; from < counts.length; from += window) {
    let count = 0;
    let mean = 0;
    for (let i = from; i < from + window; i++) {
      count += counts[i]!;
      mean += means[i]!;
    }
    excess += (count - mean) ** 2 - mean;
    squares += mean ** 2;
  }
  return squares > 0 ? Math.max(0, excess / squares) : 0;
}

/** The squared relative standard error of the level. */
function levelUncertainty(
  { events, exposure }: BucketCounts,
  { backtest, events: fitted }: FittedRates,
): number {
  let squares = 0;
  let means = 0;
  backtest.forEach((rate, t) => {
    if (Number.isNaN(rate)) return;
    squares += (events[t]! - rate * exposure[t]!) ** 2;
    means += rate * exposure[t]!;
  });
  const overdispersion = means > 0 ? Math.max(1, squares / means) : 1;
  return overdispersion / Math.max(1, fitted);
}
