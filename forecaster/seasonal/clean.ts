import type { Prepared } from "./prepare.ts";
import { expectAt, fitRegressions, lagsAround, type Regression } from "./ridge.ts";
import { rescale, scales } from "./scale.ts";
import { median } from "./statistics.ts";

/** A series in buckets as the models are fitted to it. */
export type BucketSeries = {
  buckets: Float64Array;
  /** 0 where the bucket is not a measured one: the models do not learn from it. */
  weights: Float64Array;
  /** What each bucket was multiplied by to bring it to today's level. */
  ratios: Float64Array;
  /** Something was replaced or rescaled. */
  changed: boolean;
};

/** A residual of more robust standard deviations than this is a spike or the start of a shift. */
const SPIKE_SIGMAS = 25;
/** A burst that lasts longer than this share of a day is a new level. */
const SHIFT_DAYS = 0.42;
/** One that still goes on at the end of the series is more likely a new level after this share of a day. */
const SHIFT_DAYS_AT_END = 0.1;
/** A new level is one where the ratio to the expected hardly varies and differs by 10 % or more. */
const SHIFT_LOG_MIN = 0.1;
const SHIFT_RATIO_MIN = 0.05;

/** The series as measured, its gaps filled by what the values before them let expect. */
export function withoutGaps(prepared: Prepared): BucketSeries {
  const { buckets, weights } = prepared;
  if (weights.includes(0)) return cleanBeyond(prepared, Infinity);
  return { buckets, weights, ratios: new Float64Array(buckets.length).fill(1), changed: false };
}

/**
 * Replaces short bursts of extreme values by what was expected of them, and where a burst stays (a release,
 * a change of routing) brings the older history to the new level. Works from the oldest bucket to the newest, on
 * the scale on which the noise is even.
 */
export function clean(prepared: Prepared): BucketSeries {
  return cleanBeyond(prepared, SPIKE_SIGMAS);
}

function cleanBeyond(prepared: Prepared, sigmas: number): BucketSeries {
  const scale = prepared.nonNegative ? scales.root : scales.identity;
  const source = rescale(prepared.buckets, scale);
  const state = startCleaning(prepared, source, sigmas);
  const burstMax = Math.max(3, Math.round(prepared.day * SHIFT_DAYS));
  for (let t = state.regression.lags.at(-1) ?? 0; t < source.length; t++) {
    state.expected[t] = expectAt(state.z, t, state.regression);
    if (prepared.weights[t] === 0) {
      state.z[t] = state.expected[t]!;
      continue;
    }
    if (t < state.acceptedUntil || !isExtreme(state, prepared, t, source[t]!)) {
      state.burst = 0;
      continue;
    }
    state.burst++;
    if (state.burst > burstMax) acceptBurst(state, prepared, source, t);
    else {
      state.z[t] = state.expected[t]!;
      state.weights[t] = 0;
      state.changed = true;
    }
  }
  if (state.burst > Math.max(2, Math.round(prepared.day * SHIFT_DAYS_AT_END))) {
    acceptBurst(state, prepared, source, source.length - 1);
  }
  const buckets = scale === scales.root ? state.z.map((value) => scale.from(value)) : state.z;
  const ratios = state.ratios.map((ratio) => (scale === scales.root ? ratio * ratio : ratio));
  return { buckets, weights: state.weights, ratios, changed: state.changed };
}

type Cleaning = {
  sigmas: number;
  z: Float64Array;
  weights: Float64Array;
  ratios: Float64Array;
  expected: Float64Array;
  regression: Regression;
  burst: number;
  acceptedUntil: number;
  changed: boolean;
};

function startCleaning(prepared: Prepared, source: Float64Array, sigmas: number): Cleaning {
  const z = Float64Array.from(source);
  const weights = Float64Array.from(prepared.weights);
  return {
    sigmas,
    z,
    weights,
    ratios: new Float64Array(z.length).fill(1),
    expected: new Float64Array(z.length),
    regression: fitCleaner(z, weights, prepared),
    burst: 0,
    acceptedUntil: 0,
    changed: false,
  };
}

function fitCleaner(z: Float64Array, weights: Float64Array, prepared: Prepared): Regression {
  const { day, week } = prepared;
  const lags = lagsAround([day, week], 2, [1, 2, 3], z.length * 0.6);
  const options = { lags, decay: forgetting(day, week), reweightings: 1 };
  const [regression] = fitRegressions(z, weights, options, []);
  return regression!;
}

/** Weights halve in about two weeks, or in eight days where only the day is known. */
export function forgetting(day: number, week: number): number {
  return 0.5 ** (1 / Math.max(week * 2.06, day * 8));
}

/** Far from the expected, and far from everything near the same time a day and a week ago. */
function isExtreme(state: Cleaning, prepared: Prepared, t: number, value: number): boolean {
  const limit = state.sigmas * state.regression.sigma;
  if (Math.abs(value - state.expected[t]!) <= limit) return false;
  for (const season of [prepared.day, prepared.week]) {
    for (let at = t - season - 1; at <= t - season + 1; at++) {
      if (at >= 0 && Math.abs(value - state.z[at]!) <= limit / 2) return false;
    }
  }
  return true;
}

/** The burst was no spike: takes its values back and, where it is a steady ratio, rescales what came before. */
function acceptBurst(state: Cleaning, prepared: Prepared, source: Float64Array, t: number): void {
  const start = t - state.burst + 1;
  const ratiosSeen: number[] = [];
  for (let at = start; at <= t; at++) {
    if (Math.abs(state.expected[at]!) > 1e-9) ratiosSeen.push(source[at]! / state.expected[at]!);
    state.z[at] = source[at]!;
    state.weights[at] = prepared.weights[at]!;
  }
  const ratio = ratiosSeen.length > 0 ? median(ratiosSeen) : NaN;
  const unsteady = median(ratiosSeen.map((seen) => Math.abs(seen - ratio)));
  state.burst = 0;
  const steady = unsteady < 0.2 * Math.abs(ratio - 1) + 0.05;
  if (ratio > SHIFT_RATIO_MIN && Math.abs(Math.log(ratio)) > SHIFT_LOG_MIN && steady) {
    for (let at = 0; at < start; at++) {
      state.z[at]! *= ratio;
      state.ratios[at]! *= ratio;
    }
    state.regression = fitCleaner(state.z, state.weights, prepared);
    state.changed = true;
  } else {
    state.acceptedUntil = t + Math.max(3, Math.round(prepared.day * SHIFT_DAYS));
  }
}
