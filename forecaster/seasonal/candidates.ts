import type { BucketSeries } from "./clean.ts";
import { fitModels } from "./models.ts";
import type { Origins } from "./origins.ts";
import type { Prepared } from "./prepare.ts";
import { median } from "./statistics.ts";

/** The forecasts of one method, in fine steps. */
export type Candidate = {
  model: string;
  /** From the end of the series. */
  path: Float64Array;
  /** From each origin of the backtest. */
  backtest: Float64Array[];
  /** The series to which the method was fitted. */
  series: BucketSeries;
};

/** Shared by all candidates; `horizon` is in fine steps. */
export type Setting = {
  prepared: Prepared;
  origins: Origins;
  horizon: number;
};

/** A forecast may exceed the range of the history by this share of the range. */
const BEYOND_RANGE = 0.5;

/** The median of the models: unlike the mean, it is robust against one bad model. */
export function ensemble(setting: Setting, series: BucketSeries): Candidate {
  const { prepared, origins } = setting;
  const models = fitModels(prepared, series, origins.spans);
  const { floor, ceiling } = rangeOf(prepared, series.buckets);
  const horizon = Math.ceil(setting.horizon / prepared.bucketSteps);
  const pathFrom = (origin: number, fit: number): Float64Array => {
    const parts = models.map((fits) => fits[fit]!(origin, horizon));
    const path = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const middle = median(parts.map((part) => part[h]!).filter(Number.isFinite));
      const earlier = series.buckets[origin - prepared.day + (h % prepared.day)] ?? 0;
      path[h] = Math.min(ceiling, Math.max(floor, Number.isFinite(middle) ? middle : earlier));
    }
    return interpolateBuckets(path, series.buckets[origin - 1] ?? path[0] ?? 0, setting);
  };
  return {
    model: "seasonal ensemble",
    path: pathFrom(series.buckets.length, 0),
    backtest: origins.at.map((origin, i) => pathFrom(origin, origins.folds[i]! + 1)),
    series,
  };
}

function rangeOf(prepared: Prepared, buckets: Float64Array): { floor: number; ceiling: number } {
  let min = Infinity;
  let max = -Infinity;
  for (const value of buckets) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const beyond = (max - min) * BEYOND_RANGE;
  return { floor: prepared.nonNegative ? 0 : min - beyond, ceiling: max + beyond };
}

/** Interpolates linearly between the centres of the buckets. */
function interpolateBuckets(path: Float64Array, before: number, setting: Setting): Float64Array {
  const { bucketSteps } = setting.prepared;
  if (bucketSteps === 1) return path;
  const fine = new Float64Array(setting.horizon);
  for (let i = 0; i < fine.length; i++) {
    const at = (i + 0.5) / bucketSteps - 0.5;
    const left = Math.floor(at);
    const from = left < 0 ? (before + path[0]!) / 2 : path[left]!;
    const to = path[Math.min(left + 1, path.length - 1)]!;
    fine[i] = from + (to - from) * (at - left);
  }
  return fine;
}

/** The share of the latest deviation that is added, and the number of buckets in which it decays to 1/e. */
const LEVEL_CORRECTIONS = [
  { share: 0.5, decayBuckets: 0.5 },
  { share: 0.5, decayBuckets: 4 },
  { share: 1, decayBuckets: 4 },
];
type LevelCorrection = (typeof LEVEL_CORRECTIONS)[number];

/**
 * The ensemble uses whole buckets only. These candidates shift its first buckets towards the level of the last few fine
 * steps. None for series whose bucket is a single step.
 */
export function levelCorrected(setting: Setting, plain: Candidate): Candidate[] {
  const { bucketSteps, fine } = setting.prepared;
  if (bucketSteps === 1) return [];
  const steps = Math.max(3, Math.round(bucketSteps / 6));
  const correct = (path: Float64Array, end: number, correction: LevelCorrection) => {
    const newest = fine.subarray(Math.max(0, end - steps), end).filter(Number.isFinite);
    if (newest.length === 0) return path;
    const level = newest.reduce((a, b) => a + b, 0) / newest.length;
    const deviation = (level - path[0]!) * correction.share;
    const decaySteps = correction.decayBuckets * bucketSteps;
    const corrected = path.map((value, i) => value + deviation * Math.exp(-i / decaySteps));
    return setting.prepared.nonNegative ? corrected.map((value) => Math.max(0, value)) : corrected;
  };
  return LEVEL_CORRECTIONS.map((correction) => ({
    ...plain,
    path: correct(plain.path, fine.length, correction),
    backtest: setting.origins.at.map((origin, i) =>
      correct(plain.backtest[i]!, origin * bucketSteps, correction),
    ),
  }));
}

/** Repeats the values of one season (in buckets) earlier. */
export function seasonalNaive(setting: Setting, series: BucketSeries, season: number): Candidate {
  const { prepared, origins, horizon } = setting;
  const { bucketSteps, fine } = prepared;
  const steps = season * bucketSteps;
  const pathFrom = (origin: number): Float64Array => {
    const path = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const t = origin * bucketSteps - steps + (h % steps);
      const value = fine[t] ?? NaN;
      path[h] = Number.isNaN(value) ? (series.buckets[Math.floor(t / bucketSteps)] ?? 0) : value;
    }
    return path;
  };
  return {
    model: season === prepared.day ? "seasonal naive" : "seasonal naive, long season",
    path: pathFrom(prepared.buckets.length),
    backtest: origins.at.map(pathFrom),
    series,
  };
}

/** Simple exponential smoothing with the given half-life in fine steps: a flat forecast. */
export function recentLevel(setting: Setting, series: BucketSeries, halfLife: number): Candidate {
  const { prepared, origins, horizon } = setting;
  const gain = 1 - 0.5 ** (1 / halfLife);
  const levels = new Float64Array(prepared.fine.length + 1);
  let level = prepared.buckets[0] ?? 0;
  for (let t = 0; t < prepared.fine.length; t++) {
    const value = prepared.fine[t]!;
    if (!Number.isNaN(value)) level += gain * (value - level);
    levels[t + 1] = level;
  }
  const pathFrom = (origin: number): Float64Array =>
    new Float64Array(horizon).fill(levels[origin * prepared.bucketSteps]!);
  return {
    model: "recent level",
    path: pathFrom(prepared.buckets.length),
    backtest: origins.at.map(pathFrom),
    series,
  };
}
