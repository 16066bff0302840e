import { probit } from "simple-statistics";

import type { Candidate, Setting } from "./candidates.ts";
import { evenScale, isOutlier, samplingStep, truthAtLevelOf } from "./errors.ts";
import { MAD_TO_SIGMA, median, quantile } from "./statistics.ts";

/** Half widths of the intervals on the even (variance-stabilizing) scale. */
export type Widths = {
  /** For each level, ascending: one width per step of the horizon. */
  byLevel: Float64Array[];
  /** For each level: the share of actual values inside intervals calibrated on the other folds, before widening. */
  coverage: number[];
};

const BINS_MAX = 6;
/** Upper bound of the factor by which intervals are widened if their coverage was too low. */
const WIDENING_MAX = 1.1;

/** The error of a backtest forecast at one step. */
type BacktestError = {
  /** The part of the horizon, and the fold of the origin. */
  bin: number;
  fold: number;
  /** On the even scale, not negative. */
  size: number;
  /** Whether the value is a spike or after a level shift: it counts in the coverage, but not in the width. */
  isOutlier: boolean;
};

/**
 * Split conformal prediction: widths are quantiles of the backtest errors, in bins of the horizon. Each fold of origins
 * is also evaluated with the widths computed from the other folds: this gives the coverage, and widens the intervals if
 * it is below nominal. The levels, in percent, must be ascending.
 */
export function measureWidths(
  setting: Setting,
  candidate: Candidate,
  levels: readonly number[],
): Widths {
  const { horizon, origins } = setting;
  const bins = Math.min(horizon, BINS_MAX);
  const errors = collectErrors(setting, candidate, bins);
  const regular = errors.filter((error) => !error.isOutlier);
  const sizes = sizesByBin(regular, bins);
  const sizesOfOtherFolds = origins.spans.map((_, fold) =>
    sizesByBin(
      regular.filter((error) => error.fold !== fold),
      bins,
    ),
  );
  const fallbackSigma = seasonalSigma(setting);
  const byLevel: Float64Array[] = [];
  const coverage: number[] = [];
  for (const level of levels) {
    const foldWidths = sizesOfOtherFolds.map((others) => binWidths(others, level, fallbackSigma));
    coverage.push(shareInside(outOfFoldRatios(errors, foldWidths)));
    const widths = binWidths(sizes, level, fallbackSigma);
    const widened = widen(widths, outOfFoldRatios(regular, foldWidths), level);
    const narrower = byLevel.at(-1);
    byLevel.push(
      Float64Array.from({ length: horizon }, (_, h) =>
        Math.max(widened[binOf(h, horizon, bins)]!, narrower?.[h] ?? 0),
      ),
    );
  }
  return { byLevel, coverage };
}

const binOf = (h: number, horizon: number, bins: number): number =>
  Math.min(bins - 1, Math.floor((h * bins) / horizon));

function collectErrors(setting: Setting, candidate: Candidate, bins: number): BacktestError[] {
  const { prepared, origins, horizon } = setting;
  const { toEven } = evenScale(prepared);
  const errors: BacktestError[] = [];
  origins.at.forEach((origin, i) => {
    for (let h = 0; h < horizon; h += samplingStep(horizon)) {
      const t = origin * prepared.bucketSteps + h;
      const truth = truthAtLevelOf(setting, candidate, origin, t);
      if (Number.isNaN(truth)) continue;
      errors.push({
        bin: binOf(h, horizon, bins),
        fold: origins.folds[i]!,
        size: Math.abs(toEven(truth) - toEven(candidate.backtest[i]![h]!)),
        isOutlier: isOutlier(setting, candidate, origin, t),
      });
    }
  });
  return errors;
}

/** For each bin: the sizes of the errors in the bin and its neighbours, ascending. */
function sizesByBin(errors: readonly BacktestError[], bins: number): Float64Array[] {
  const byBin: number[][] = Array.from({ length: bins }, () => []);
  for (const { bin, size } of errors) {
    for (let near = bin - 1; near <= bin + 1; near++) byBin[near]?.push(size);
  }
  return byBin.map((sizes) => Float64Array.from(sizes).toSorted());
}

/** The width of each bin at a level; `fallbackSigma` is the standard deviation to use without backtest errors. */
function binWidths(
  sizes: readonly Float64Array[],
  level: number,
  fallbackSigma: number,
): Float64Array {
  let width = probit(0.5 + level / 200) * fallbackSigma;
  return Float64Array.from(sizes, (sorted, bin) => {
    // Past the horizon of the backtest, errors are assumed to grow like those of a random walk.
    if (sorted.length > 0) width = quantile(sorted, level / 100) + Number.EPSILON;
    else if (bin > 0) width *= Math.sqrt((bin + 1) / bin);
    return width;
  });
}

/** Each error relative to the width computed from the other folds; above 1 it is outside the interval. */
const outOfFoldRatios = (
  errors: readonly BacktestError[],
  foldWidths: readonly Float64Array[],
): Float64Array =>
  Float64Array.from(errors, ({ bin, fold, size }) => size / foldWidths[fold]![bin]!);

/** Share of the ratios up to 1; NaN for no ratios. */
const shareInside = (ratios: Float64Array): number =>
  ratios.reduce((inside, ratio) => inside + (ratio <= 1 ? 1 : 0), 0) / ratios.length;

/** Widens the intervals so that `level` percent of the ratios would be at most 1, up to WIDENING_MAX. */
function widen(widths: Float64Array, ratios: Float64Array, level: number): Float64Array {
  const quantileRatio = ratios.length > 0 ? quantile(ratios.toSorted(), level / 100) : 1;
  const widening = Math.min(WIDENING_MAX, Math.max(1, quantileRatio));
  return widths.map((width) => width * widening);
}

/** Robust standard deviation of the change since one season ago. */
function seasonalSigma({ prepared }: Setting): number {
  const { buckets, day } = prepared;
  const { toEven } = evenScale(prepared);
  const changes = buckets
    .subarray(day)
    .map((value, t) => Math.abs(toEven(value) - toEven(buckets[t]!)));
  return changes.length > 0 ? median(changes) * MAD_TO_SIGMA + Number.EPSILON : 1;
}
