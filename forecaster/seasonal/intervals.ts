import { probit } from "simple-statistics";

import type { Candidate, Setting } from "./candidates.ts";
import { evenScale, isUnusual, samplingStep, truthAt } from "./errors.ts";
import { median, quantile } from "./statistics.ts";

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

type Errors = {
  bin: Int32Array;
  fold: Int32Array;
  size: Float64Array;
  /** 1 where the truth was a spike or lay behind a shift: counts against the coverage, but does not set the width. */
  unusual: Uint8Array;
};

/**
 * Widths from the errors at the inner origins (split conformal, in bins of the horizon). Each fold of origins is
 * also judged by the widths that the other folds would have given: its coverage is reported, and the widths grow by
 * what was missing.
 */
export function measureWidths(
  setting: Setting,
  candidate: Candidate,
  levels: readonly number[],
): Widths {
  const bins = Math.min(setting.horizon, BINS_MAX);
  const errors = collectErrors(setting, candidate, bins);
  const fallback = seasonalChange(setting);
  const all = widthsOf(errors, { bins, levels, fallback, withoutFold: null });
  const folds = setting.origins.spans.map((_, withoutFold) =>
    widthsOf(errors, { bins, levels, fallback, withoutFold }),
  );
  const outOfFold = levels.map((_, l) =>
    errors.size.map((size, i) => size / folds[errors.fold[i]!]![l]![errors.bin[i]!]!),
  );
  const byLevel: Float64Array[] = [];
  levels.forEach((level, l) => {
    const sorted = outOfFold[l]!.filter((_, i) => errors.unusual[i] === 0).toSorted();
    const missing = sorted.length > 0 ? quantile(sorted, level / 100) : 1;
    const widening = Math.min(WIDENING_MAX, Math.max(1, missing));
    const narrower = byLevel.at(-1);
    byLevel.push(
      Float64Array.from({ length: setting.horizon }, (_, h) => {
        const width = all[l]![binOf(h, setting.horizon, bins)]! * widening;
        return Math.max(width, narrower?.[h] ?? 0);
      }),
    );
  });
  return {
    byLevel,
    coverage: outOfFold.map((ratios) => (ratios.length > 0 ? shareInside(ratios) : NaN)),
  };
}

const shareInside = (ratios: Float64Array): number =>
  ratios.reduce((inside, ratio) => inside + (ratio <= 1 ? 1 : 0), 0) / ratios.length;

const binOf = (h: number, horizon: number, bins: number): number =>
  Math.min(bins - 1, Math.floor((h * bins) / horizon));

/** Errors on the even scale. */
function collectErrors(setting: Setting, candidate: Candidate, bins: number): Errors {
  const { prepared, origins, horizon } = setting;
  const { to } = evenScale(prepared);
  const bin: number[] = [];
  const fold: number[] = [];
  const size: number[] = [];
  const unusual: number[] = [];
  origins.at.forEach((origin, i) => {
    for (let h = 0; h < horizon; h += samplingStep(horizon)) {
      const t = origin * prepared.bucketSteps + h;
      const truth = truthAt(setting, candidate, origin, t);
      if (Number.isNaN(truth)) continue;
      bin.push(binOf(h, horizon, bins));
      fold.push(origins.folds[i]!);
      unusual.push(isUnusual(setting, candidate, origin, t) ? 1 : 0);
      size.push(Math.abs(to(truth) - to(candidate.replayed[i]![h]!)));
    }
  });
  return {
    bin: Int32Array.from(bin),
    fold: Int32Array.from(fold),
    size: Float64Array.from(size),
    unusual: Uint8Array.from(unusual),
  };
}

type WidthsRequest = {
  bins: number;
  levels: readonly number[];
  /** Half width of one standard deviation where no error was measured. */
  fallback: number;
  withoutFold: number | null;
};

/** For each level a width for each bin, from the errors in it and its neighbours. */
function widthsOf(errors: Errors, request: WidthsRequest): Float64Array[] {
  const { bins, levels, fallback, withoutFold } = request;
  const perBin: number[][] = Array.from({ length: bins }, () => []);
  for (let i = 0; i < errors.size.length; i++) {
    if (errors.fold[i] === withoutFold || errors.unusual[i] === 1) continue;
    for (let b = errors.bin[i]! - 1; b <= errors.bin[i]! + 1; b++) perBin[b]?.push(errors.size[i]!);
  }
  const sorted = perBin.map((sizes) => Float64Array.from(sizes).toSorted());
  return levels.map((level) => {
    let last = probit(0.5 + level / 200) * fallback;
    return Float64Array.from({ length: bins }, (_, b) => {
      // Beyond the horizon that could be replayed errors grow like those of a random walk.
      if (sorted[b]!.length > 0) last = quantile(sorted[b]!, level / 100) + Number.EPSILON;
      else if (b > 0) last *= Math.sqrt((b + 1) / b);
      return last;
    });
  });
}

/** Robust standard deviation of the change since one season ago. */
function seasonalChange({ prepared }: Setting): number {
  const { buckets, day } = prepared;
  const { to } = evenScale(prepared);
  const changes = buckets.subarray(day).map((value, t) => Math.abs(to(value) - to(buckets[t]!)));
  return changes.length > 0 ? median(changes) * 1.4826 + Number.EPSILON : 1;
}
