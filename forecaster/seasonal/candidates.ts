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
  /** From each inner origin. */
  replayed: Float64Array[];
  /** The series it was made from. */
  series: BucketSeries;
};

/** What all candidates share: `horizon` in fine steps. */
export type Setting = {
  prepared: Prepared;
  origins: Origins;
  horizon: number;
};

/** A forecast may leave the range of the history by this share of it. */
const BEYOND_RANGE = 0.5;

/** The median of the models: unlike a mean, it tolerates a model that is wrong. */
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
    return toFine(path, series.buckets[origin - 1] ?? path[0] ?? 0, setting);
  };
  return {
    model: "seasonal ensemble",
    path: pathFrom(series.buckets.length, 0),
    replayed: origins.at.map((origin, i) => pathFrom(origin, origins.folds[i]! + 1)),
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

/** From bucket means to fine steps, in straight lines between the middles of the buckets. */
function toFine(path: Float64Array, before: number, setting: Setting): Float64Array {
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

/** Which share of the newest deviation is added, and after how many buckets a third of it (1/e) is left. */
const LEVEL_CORRECTIONS = [
  { share: 0.5, fadeBuckets: 0.5 },
  { share: 0.5, fadeBuckets: 4 },
  { share: 1, fadeBuckets: 4 },
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
    const fadeSteps = correction.fadeBuckets * bucketSteps;
    const corrected = path.map((value, i) => value + deviation * Math.exp(-i / fadeSteps));
    return setting.prepared.nonNegative ? corrected.map((value) => Math.max(0, value)) : corrected;
  };
  return LEVEL_CORRECTIONS.map((correction) => ({
    ...plain,
    path: correct(plain.path, fine.length, correction),
    replayed: setting.origins.at.map((origin, i) =>
      correct(plain.replayed[i]!, origin * bucketSteps, correction),
    ),
  }));
}

/** The same time one season (in buckets) earlier. */
export function seasonalNaive(setting: Setting, series: BucketSeries, season: number): Candidate {
  const { prepared, origins, horizon } = setting;
  const { bucketSteps, fine } = prepared;
  const steps = season * bucketSteps;
  const pathFrom = (origin: number): Float64Array => {
    const path = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const t = origin * bucketSteps - steps + (h % steps);
      const seen = fine[t] ?? NaN;
      path[h] = Number.isNaN(seen) ? (series.buckets[Math.floor(t / bucketSteps)] ?? 0) : seen;
    }
    return path;
  };
  return {
    model: season === prepared.day ? "seasonal naive" : "seasonal naive, long season",
    path: pathFrom(prepared.buckets.length),
    replayed: origins.at.map(pathFrom),
    series,
  };
}

/** Exponential smoothing with the given half-life in fine steps, held flat. */
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
    replayed: origins.at.map(pathFrom),
    series,
  };
}
