import type { Candidate, Setting } from "./candidates.ts";
import type { Prepared } from "./prepare.ts";

/** A variance-stabilizing transform and its inverse. Errors and intervals are computed on this "even" scale. */
export type EvenScale = {
  toEven: (value: number) => number;
  fromEven: (value: number) => number;
};

/** A square root for non-negative series (the Anscombe transform for counts), else the identity. */
export function evenScale({ nonNegative, counts, unit }: Prepared): EvenScale {
  if (!nonNegative) return { toEven: (value) => value, fromEven: (value) => value };
  const offset = counts ? 0.25 / unit : 0;
  return {
    toEven: (value) => Math.sqrt(Math.max(value, 0) + offset),
    fromEven: (value) => (value > 0 ? Math.max(0, value * value - offset) : 0),
  };
}

/**
 * The actual value at fine step t, at the level to which cleaning brought the values before the origin, which is the
 * level of a forecast from that origin. NaN where nothing was measured.
 */
export function truthAtLevelOf(
  setting: Setting,
  candidate: Candidate,
  origin: number,
  t: number,
): number {
  return (setting.prepared.fine[t] ?? NaN) * candidate.series.ratios[origin]!;
}

/** Whether cleaning replaced the value at t as a spike, or repaired a level shift between the origin and t. */
export function isOutlier(
  { prepared }: Setting,
  { series }: Candidate,
  origin: number,
  t: number,
): boolean {
  const bucket = Math.min(prepared.buckets.length - 1, Math.floor(t / prepared.bucketSteps));
  if (series.ratios[bucket] !== series.ratios[origin]) return true;
  return series.weights[bucket] === 0 && prepared.weights[bucket] !== 0;
}

/** Errors of neighbouring steps are nearly equal, so only every n-th step of a horizon is sampled. */
export function samplingStep(horizon: number): number {
  return Math.ceil(horizon / SAMPLES_PER_ORIGIN);
}
const SAMPLES_PER_ORIGIN = 96;

/**
 * Mean absolute error of the backtest, or of one of its folds, on the even scale; NaN without any. Steps after a repaired level shift are left
 * out, because no candidate can predict it.
 */
export function lossOf(setting: Setting, candidate: Candidate, fold?: number): number {
  const { prepared, origins, horizon } = setting;
  const { toEven } = evenScale(prepared);
  const { ratios } = candidate.series;
  let sum = 0;
  let count = 0;
  origins.at.forEach((origin, i) => {
    if (fold !== undefined && origins.folds[i] !== fold) return;
    const level = toEven(ratios[origin]!) / toEven(1);
    const start = origin * prepared.bucketSteps;
    for (let h = 0; h < horizon; h += samplingStep(horizon)) {
      const truth = truthAtLevelOf(setting, candidate, origin, start + h);
      if (Number.isNaN(truth)) continue;
      if (ratios[Math.floor((start + h) / prepared.bucketSteps)] !== ratios[origin]) continue;
      sum += Math.abs(toEven(truth) - toEven(candidate.backtest[i]![h]!)) / level;
      count++;
    }
  });
  return count > 0 ? sum / count : NaN;
}

/** Mean absolute scaled error of the backtest (Hyndman & Koehler 2006, scaled by the season); null if undefined. */
export function maseOf(setting: Setting, candidate: Candidate): number | null {
  const { fine, day, bucketSteps } = setting.prepared;
  const season = day * bucketSteps;
  const scale = meanOf(fine.length - season, (t) => Math.abs(fine[t + season]! - fine[t]!));
  const error = meanOf(setting.origins.at.length * setting.horizon, (at) => {
    const i = Math.floor(at / setting.horizon);
    const h = at % setting.horizon;
    const origin = setting.origins.at[i]!;
    const truth = truthAtLevelOf(setting, candidate, origin, origin * bucketSteps + h);
    // At the measured level, like `scale`.
    return Math.abs(truth - candidate.backtest[i]![h]!) / candidate.series.ratios[origin]!;
  });
  return scale > 0 && Number.isFinite(error) ? error / scale : null;
}

/** Mean over 0…n-1 without NaN values; NaN if there are no others. */
function meanOf(n: number, value: (i: number) => number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < n; i++) {
    const x = value(i);
    if (Number.isNaN(x)) continue;
    sum += x;
    count++;
  }
  return count > 0 ? sum / count : NaN;
}

/**
 * Whether a candidate is worse than another one in every fold of the backtest, which rules out chance. Not for a series
 * with repaired level shifts, because steps after them count only in the loss of a candidate without the repair.
 */
export function isWorseThroughout(
  setting: Setting,
  candidate: Candidate,
  other: Candidate,
): boolean {
  const { spans } = setting.origins;
  return (
    candidate.series.ratios[0] === 1 &&
    spans.length > 1 &&
    spans.every((_, fold) => lossOf(setting, other, fold) < lossOf(setting, candidate, fold))
  );
}
