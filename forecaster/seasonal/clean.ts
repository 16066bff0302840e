import type { Prepared } from "./prepare.ts";
import {
  expectAt,
  fitRegressions,
  LAG_SHARE_MAX,
  lagsAround,
  RECENT_LAGS,
  type Regression,
} from "./ridge.ts";
import { rescale, scales, unscale } from "./scale.ts";
import { median } from "./statistics.ts";

/** A series in buckets, ready for the models to be fitted. */
export type BucketSeries = {
  buckets: Float64Array;
  /** 0 for buckets that are filled or replaced: the models are not fitted to them. */
  weights: Float64Array;
  /** The factor by which each bucket was multiplied to match the level at the end of the series. */
  ratios: Float64Array;
  /** Whether spikes were replaced, or history was rescaled to a new level. */
  isRepaired: boolean;
};

/** A residual of more than this many robust standard deviations is a spike or the start of a level shift. */
const SPIKE_SIGMAS = 25;
/** A burst that lasts longer than both this share of a day and this number of buckets is not a spike. */
const BURST_DAYS_MAX = 0.42;
const BURST_BUCKETS_MAX = 3;
/** The same for a burst at the end of the series, because it may continue. */
const LAST_BURST_DAYS_MAX = 0.1;
const LAST_BURST_BUCKETS_MAX = 2;

/**
 * History is rescaled to a new level if the logarithm of the ratio of observed to expected values is at least this, on
 * the variance-stabilizing scale: a change of some 10 %, or of 22 % if that scale is the square root.
 */
const LEVEL_LOG_RATIO_MIN = 0.1;
/** History is not rescaled to nearly zero after an outage, nor to another sign. */
const LEVEL_RATIO_MIN = 0.05;
/** A ratio is steady if its median deviation is less than this much plus this share of the change of level. */
const STEADY_MIN = 0.05;
const STEADY_SHARE = 0.2;
/** Ratios to smaller expected values than this are meaningless. */
const EXPECTED_MIN = 1e-9;

/** Half-life of the weights of older values; the second if the history is too short for the weekly season. */
const HALF_LIFE_WEEKS = 2.06;
const HALF_LIFE_DAYS = 8;

/** The measured series, with gaps filled by one-step forecasts. */
export function withoutGaps(prepared: Prepared): BucketSeries {
  const { buckets, weights } = prepared;
  if (weights.includes(0)) return cleanBeyond(prepared, Infinity);
  return { buckets, weights, ratios: new Float64Array(buckets.length).fill(1), isRepaired: false };
}

/**
 * Replaces short bursts of extreme values by their expected values. If a burst persists (a release, a change of
 * routing), the older history is rescaled to the new level.
 */
export function clean(prepared: Prepared): BucketSeries {
  return cleanBeyond(prepared, SPIKE_SIGMAS);
}

function cleanBeyond(prepared: Prepared, sigmas: number): BucketSeries {
  // The scale on which the noise is equal at all levels.
  const scale = prepared.nonNegative ? scales.root : scales.identity;
  const cleaning = startCleaning(prepared, rescale(prepared.buckets, scale), sigmas);
  const { measured, expected, z } = cleaning;
  const first = cleaning.regression.lags.at(-1) ?? 0;
  // In order of time, because the expected value of a bucket is computed from the repaired values before it.
  for (let t = first; t < z.length; t++) {
    expected[t] = expectAt(z, t, cleaning.regression);
    if (prepared.weights[t] === 0) z[t] = expected[t]!;
    else if (t < cleaning.uncheckedUntil || !isExtreme(cleaning, t)) cleaning.burstLength = 0;
    else continueBurst(cleaning, t);
  }
  const lastBurstMax = bucketsOf(prepared, LAST_BURST_DAYS_MAX, LAST_BURST_BUCKETS_MAX);
  if (cleaning.burstLength > lastBurstMax) acceptBurst(cleaning, measured.length - 1);
  const { weights, isRepaired } = cleaning;
  const ratios = unscale(cleaning.ratios, scale);
  return { buckets: unscale(z, scale), weights, ratios, isRepaired };
}

const bucketsOf = ({ day }: Prepared, days: number, min: number): number =>
  Math.max(min, Math.round(day * days));

/** Values, expectations and ratios are on the variance-stabilizing scale. */
type Cleaning = {
  readonly prepared: Prepared;
  readonly sigmas: number;
  readonly burstLengthMax: number;
  readonly measured: Float64Array;
  /** The values as repaired up to the current bucket, and as measured after it. */
  readonly z: Float64Array;
  readonly expected: Float64Array;
  readonly weights: Float64Array;
  readonly ratios: Float64Array;
  regression: Regression;
  /** How many extreme buckets there were since the last normal one. */
  burstLength: number;
  /** Buckets before this one are accepted as measured. */
  uncheckedUntil: number;
  isRepaired: boolean;
};

function startCleaning(prepared: Prepared, measured: Float64Array, sigmas: number): Cleaning {
  const z = Float64Array.from(measured);
  const weights = Float64Array.from(prepared.weights);
  return {
    prepared,
    sigmas,
    burstLengthMax: bucketsOf(prepared, BURST_DAYS_MAX, BURST_BUCKETS_MAX),
    measured,
    z,
    expected: new Float64Array(z.length),
    weights,
    ratios: new Float64Array(z.length).fill(1),
    regression: fitCleaner(z, weights, prepared),
    burstLength: 0,
    uncheckedUntil: 0,
    isRepaired: false,
  };
}

function fitCleaner(z: Float64Array, weights: Float64Array, prepared: Prepared): Regression {
  const { day, week } = prepared;
  const lags = lagsAround([day, week], 2, RECENT_LAGS, z.length * LAG_SHARE_MAX);
  const options = { lags, decay: decayPerBucket(day, week), reweightings: 1 };
  const [regression] = fitRegressions(z, weights, options, []);
  return regression!;
}

/** Decay per bucket: the weight of a bucket relative to the next one. */
export function decayPerBucket(day: number, week: number): number {
  return 0.5 ** (1 / Math.max(week * HALF_LIFE_WEEKS, day * HALF_LIFE_DAYS));
}

/** Whether a value is far from the expected value and from all values near the same time a day and a week ago. */
function isExtreme(cleaning: Cleaning, t: number): boolean {
  const { prepared, sigmas, regression, measured, expected, z } = cleaning;
  const value = measured[t]!;
  const limit = sigmas * regression.sigma;
  if (Math.abs(value - expected[t]!) <= limit) return false;
  for (const season of [prepared.day, prepared.week]) {
    for (let at = t - season - 1; at <= t - season + 1; at++) {
      if (at >= 0 && Math.abs(value - z[at]!) <= limit / 2) return false;
    }
  }
  return true;
}

function continueBurst(cleaning: Cleaning, t: number): void {
  cleaning.burstLength += 1;
  if (cleaning.burstLength > cleaning.burstLengthMax) return acceptBurst(cleaning, t);
  cleaning.z[t] = cleaning.expected[t]!;
  cleaning.weights[t] = 0;
  cleaning.isRepaired = true;
}

/**
 * Ends a burst at t that lasted too long for a spike: its values are restored. If their ratio to the expected ones is
 * steady, everything before them is rescaled by it; otherwise the next buckets are not checked.
 */
function acceptBurst(cleaning: Cleaning, t: number): void {
  const { prepared, measured, expected, z, weights, ratios } = cleaning;
  const start = t - cleaning.burstLength + 1;
  const end = t + 1;
  z.set(measured.subarray(start, end), start);
  weights.set(prepared.weights.subarray(start, end), start);
  cleaning.burstLength = 0;
  const ratio = steadyRatio(measured.subarray(start, end), expected.subarray(start, end));
  if (ratio === undefined) {
    cleaning.uncheckedUntil = t + cleaning.burstLengthMax;
    return;
  }
  for (let at = 0; at < start; at++) {
    z[at]! *= ratio;
    ratios[at]! *= ratio;
  }
  cleaning.regression = fitCleaner(z, weights, prepared);
  cleaning.isRepaired = true;
}

/**
 * The ratio of the observed values to the expected ones if it shows a level shift: nearly the same for all of them
 * and clearly different from 1.
 */
export function steadyRatio(observed: Float64Array, expected: Float64Array): number | undefined {
  const ratios: number[] = [];
  observed.forEach((value, i) => {
    if (Math.abs(expected[i]!) > EXPECTED_MIN) ratios.push(value / expected[i]!);
  });
  const ratio = median(ratios);
  const deviation = median(ratios.map((one) => Math.abs(one - ratio)));
  const isSteady = deviation < STEADY_SHARE * Math.abs(ratio - 1) + STEADY_MIN;
  const isOther = ratio > LEVEL_RATIO_MIN && Math.abs(Math.log(ratio)) > LEVEL_LOG_RATIO_MIN;
  return isSteady && isOther ? ratio : undefined;
}
