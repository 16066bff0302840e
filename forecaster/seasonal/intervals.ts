import { probit } from "simple-statistics";

import type { Candidate, Setting } from "./candidates.ts";
import { evenScale, isUnusual, samplingStep, truthAtLevelOf } from "./errors.ts";
import { MAD_TO_SIGMA, median, quantile } from "./statistics.ts";

/** Half widths on the even scale. */
export type Widths = {
  /** For each level, ascending, one for each step of the horizon. */
  byLevel: Float64Array[];
  /** Share of the truth inside the intervals of each level as calibrated without it, before widening. */
  coverage: number[];
};

const BINS_MAX = 6;
/** The most by which intervals are widened for truth that fell outside. */
const WIDENING_MAX = 1.1;

/** The error of a replayed forecast at one step. */
type ReplayedError = {
  /** The part of the horizon it is in, and the fold of its origin. */
  bin: number;
  fold: number;
  /** On the even scale, not negative. */
  size: number;
  /** The truth was a spike or lay behind a shift: it counts against the coverage, but does not set the width. */
  isUnusual: boolean;
};

/**
 * Widths from the errors at the inner origins (split conformal, in bins of the horizon). Each fold of origins is also
 * compared with the widths that result from the other folds: this gives the coverage, and the widths grow by what was
 * missing. The levels, in percent, must be ascending.
 */
export function measureWidths(
  setting: Setting,
  candidate: Candidate,
  levels: readonly number[],
): Widths {
  const { horizon, origins } = setting;
  const bins = Math.min(horizon, BINS_MAX);
  const errors = collectErrors(setting, candidate, bins);
  const usual = errors.filter((error) => !error.isUnusual);
  const sizes = sizesByBin(usual, bins);
  const sizesOfOtherFolds = origins.spans.map((_, fold) =>
    sizesByBin(
      usual.filter((error) => error.fold !== fold),
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
    const widened = widen(widths, outOfFoldRatios(usual, foldWidths), level);
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

function collectErrors(setting: Setting, candidate: Candidate, bins: number): ReplayedError[] {
  const { prepared, origins, horizon } = setting;
  const { toEven } = evenScale(prepared);
  const errors: ReplayedError[] = [];
  origins.at.forEach((origin, i) => {
    for (let h = 0; h < horizon; h += samplingStep(horizon)) {
      const t = origin * prepared.bucketSteps + h;
      const truth = truthAtLevelOf(setting, candidate, origin, t);
      if (Number.isNaN(truth)) continue;
      errors.push({
        bin: binOf(h, horizon, bins),
        fold: origins.folds[i]!,
        size: Math.abs(toEven(truth) - toEven(candidate.replayed[i]![h]!)),
        isUnusual: isUnusual(setting, candidate, origin, t),
      });
    }
  });
  return errors;
}

/** For each bin the sizes of the errors in it and its neighbours, ascending. */
function sizesByBin(errors: readonly ReplayedError[], bins: number): Float64Array[] {
  const byBin: number[][] = Array.from({ length: bins }, () => []);
  for (const { bin, size } of errors) {
    for (let near = bin - 1; near <= bin + 1; near++) byBin[near]?.push(size);
  }
  return byBin.map((sizes) => Float64Array.from(sizes).toSorted());
}

/** The width of each bin at a level; `fallbackSigma` is the standard deviation where no error was measured. */
function binWidths(
  sizes: readonly Float64Array[],
  level: number,
  fallbackSigma: number,
): Float64Array {
  let width = probit(0.5 + level / 200) * fallbackSigma;
  return Float64Array.from(sizes, (sorted, bin) => {
    // Beyond the horizon that could be replayed errors grow like those of a random walk.
    if (sorted.length > 0) width = quantile(sorted, level / 100) + Number.EPSILON;
    else if (bin > 0) width *= Math.sqrt((bin + 1) / bin);
    return width;
  });
}

/** Each error relative to the width that results from the folds other than its own; above 1 it is outside. */
const outOfFoldRatios = (
  errors: readonly ReplayedError[],
  foldWidths: readonly Float64Array[],
): Float64Array =>
  Float64Array.from(errors, ({ bin, fold, size }) => size / foldWidths[fold]![bin]!);

/** Share of the ratios of at most 1; NaN of none. */
const shareInside = (ratios: Float64Array): number =>
  ratios.reduce((inside, ratio) => inside + (ratio <= 1 ? 1 : 0), 0) / ratios.length;

/** The widths, grown so that `level` percent of the ratios would be at most 1, within bounds. */
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
