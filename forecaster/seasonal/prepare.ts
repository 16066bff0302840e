/** The input of the models: regular buckets without gaps, divided by the largest absolute value to keep precision. */
export type Prepared = {
  /** The measured values divided by `unit`; NaN for gaps. The length is a whole number of buckets. */
  fine: Float64Array;
  /** Number of fine steps per bucket. */
  bucketSteps: number;
  /** Mean of each bucket; gaps filled from the seasons. */
  buckets: Float64Array;
  /** 1 for a measured bucket, 0 for a filled one. */
  weights: Float64Array;
  /** The seasons in buckets; both are the day if the history is too short for the week. */
  day: number;
  week: number;
  /** The week, also if the history has only two of them. */
  longSeason: number;
  /** The largest absolute value. */
  unit: number;
  nonNegative: boolean;
  /** Whether all values are non-negative integers: these are at least as noisy as a Poisson count. */
  counts: boolean;
};

const BUCKETS_PER_DAY = 96;
/** Per-minute series are too noisy for finer buckets. */
const BUCKETS_PER_DAY_FINE = 48;
const FINE_DAY_STEPS = 1000;
/** Two weeks to have each weekday twice, and a quarter of a week for the backtest. */
const WEEKS_MIN = 2.25;

/** Values that are not finite count as gaps. `seasons` are in steps, ascending, at least one. */
export function prepare(values: readonly (number | null)[], seasons: readonly number[]): Prepared {
  const dayStep = seasons[0] ?? 1;
  const weekStep = seasons.at(-1) ?? dayStep;
  const bucketSteps = bucketWidth(dayStep, weekStep);
  const n = Math.floor(values.length / bucketSteps);
  const first = values.length - n * bucketSteps;
  const fine = new Float64Array(n * bucketSteps);
  let unit = 0;
  let nonNegative = true;
  let counts = true;
  for (let t = 0; t < fine.length; t++) {
    const value = values[first + t] ?? NaN;
    fine[t] = Number.isFinite(value) ? value : NaN;
    if (!Number.isFinite(value)) continue;
    unit = Math.max(unit, Math.abs(value));
    if (value < 0) nonNegative = false;
    if (!Number.isInteger(value)) counts = false;
  }
  if (unit === 0) unit = 1;
  for (let t = 0; t < fine.length; t++) fine[t]! /= unit;
  const day = dayStep / bucketSteps;
  const longest = weekStep / bucketSteps;
  const week = n < WEEKS_MIN * longest ? day : longest;
  const { buckets, weights } = aggregate(fine, bucketSteps);
  fillGaps(buckets, [week, day, 2 * day]);
  counts &&= nonNegative;
  const longSeason = n < 2 * longest ? day : longest;
  return {
    fine,
    bucketSteps,
    buckets,
    weights,
    day,
    week,
    longSeason,
    unit,
    nonNegative,
    counts,
  };
}

/** The divisor of both seasons that comes closest to the wanted number of buckets per day. */
function bucketWidth(day: number, week: number): number {
  const wanted = day >= FINE_DAY_STEPS ? BUCKETS_PER_DAY_FINE : BUCKETS_PER_DAY;
  let best = 1;
  for (let width = 2; width <= (2 * day) / wanted; width++) {
    if (day % width !== 0 || week % width !== 0) continue;
    if (Math.abs(day / width - wanted) < Math.abs(day / best - wanted)) best = width;
  }
  return best;
}

/** A bucket counts as a gap if less than half of it was measured. */
function aggregate(
  fine: Float64Array,
  bucketSteps: number,
): { buckets: Float64Array; weights: Float64Array } {
  const buckets = new Float64Array(fine.length / bucketSteps);
  const weights = new Float64Array(buckets.length);
  for (let i = 0; i < buckets.length; i++) {
    let sum = 0;
    let measured = 0;
    for (let t = i * bucketSteps; t < (i + 1) * bucketSteps; t++) {
      if (Number.isNaN(fine[t]!)) continue;
      sum += fine[t]!;
      measured++;
    }
    const enough = measured * 2 >= bucketSteps;
    buckets[i] = enough ? sum / measured : NaN;
    weights[i] = enough ? 1 : 0;
  }
  return { buckets, weights };
}

/** Fills a gap with the mean of the same time in earlier seasons, else with the nearest value. */
function fillGaps(buckets: Float64Array, seasons: readonly number[]): void {
  let last = NaN;
  for (let t = 0; t < buckets.length; t++) {
    if (Number.isNaN(buckets[t]!)) {
      const earlier = seasons.map((season) => buckets[t - season] ?? NaN).filter(Number.isFinite);
      const sum = earlier.reduce((a, b) => a + b, 0);
      buckets[t] = earlier.length > 0 ? sum / earlier.length : last;
    }
    last = buckets[t]!;
  }
  last = buckets.find(Number.isFinite) ?? 0;
  for (let t = 0; t < buckets.length && Number.isNaN(buckets[t]!); t++) buckets[t] = last;
}
