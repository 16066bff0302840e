import { MAD_TO_SIGMA, median } from "./statistics.ts";

/** Rows left out of a fit because they are forecast by it: `from` inclusive, `to` exclusive. */
export type Span = { from: number; to: number };

/** A linear regression of a series on its own lagged values. */
export type Regression = {
  lags: Int32Array;
  /** One per lag, then the intercept in units of `spread`. */
  coefficients: Float64Array;
  mean: number;
  spread: number;
  /** Robust standard deviation of the one-step residuals. */
  sigma: number;
};

type RegressionOptions = {
  lags: readonly number[];
  /** Weight of a row relative to the next one: exponential forgetting. */
  decay: number;
  /** Number of refits with lower weights for rows with large residuals. */
  reweightings: number;
};

/** Lags of the newest values. */
export const RECENT_LAGS = [1, 2, 3];
/** Lags must be shorter than this share of the series, so that enough rows have all of them. */
export const LAG_SHARE_MAX = 0.6;
const RIDGE = 3e-5;
const HUBER = 1.5;
const SPREAD_MIN = 1e-9;

/**
 * The recent lags and those within `radius` of each season, because a day may be early or late by some buckets.
 * Ascending, below `lagMax`.
 */
export function lagsAround(
  seasons: readonly number[],
  radius: number,
  recent: readonly number[],
  lagMax: number,
): number[] {
  const lags = new Set(recent);
  for (const season of seasons) {
    for (let lag = season - radius; lag <= season + radius; lag++) lags.add(lag);
  }
  return [...lags].filter((lag) => lag > 0 && lag < lagMax).toSorted((a, b) => a - b);
}

/**
 * Ridge regression with Huber weights (iteratively reweighted least squares) and exponential forgetting.
 * The first result is fitted to all rows; one for each span follows, fitted without the span's targets but with the
 * same robust weights. If too few rows would remain, the span is not left out.
 */
export function fitRegressions(
  z: Float64Array,
  weights: Float64Array,
  options: RegressionOptions,
  spans: readonly Span[],
): Regression[] {
  const lags = Int32Array.from(options.lags);
  const first = lags.at(-1) ?? 0;
  const system = { z, lags, decay: options.decay, ...centre(z) };
  let robust = weights;
  let equations = accumulate(system, robust, first, z.length);
  let fitted = solve(system, equations);
  for (let round = 0; round < options.reweightings; round++) {
    const residuals = residualsOf(z, fitted);
    const limit = HUBER * residualSigma(residuals, weights, first);
    robust = downweightOutliers(weights, residuals, limit);
    equations = accumulate(system, robust, first, z.length);
    fitted = solve(system, equations);
  }
  const sigma = residualSigma(residualsOf(z, fitted), weights, first);
  const without = spans.map((span) => {
    const left = accumulate(system, robust, Math.max(first, span.from), span.to);
    const rest = subtract(equations, left);
    return rest.rows < 2 * (lags.length + 1) ? fitted : solve(system, rest);
  });
  return [fitted, ...without].map((regression) => ({ ...regression, sigma }));
}

function downweightOutliers(
  weights: Float64Array,
  residuals: Float64Array,
  limit: number,
): Float64Array {
  const robust = Float64Array.from(weights);
  for (let t = 0; t < robust.length; t++) {
    const size = Math.abs(residuals[t]!);
    if (size > limit) robust[t]! *= limit / size;
  }
  return robust;
}

type System = {
  z: Float64Array;
  lags: Int32Array;
  decay: number;
  mean: number;
  spread: number;
};

function centre(z: Float64Array): { mean: number; spread: number } {
  const n = Math.max(1, z.length);
  let sum = 0;
  for (const value of z) sum += value;
  const mean = sum / n;
  let squares = 0;
  for (const value of z) squares += (value - mean) ** 2;
  return { mean, spread: Math.max(Math.sqrt(squares / n), SPREAD_MIN) };
}

/** The lower triangle and the right-hand side of the weighted normal equations of the standardized series. */
type Equations = { gram: Float64Array; right: Float64Array; total: number; rows: number };

/** Sums over the rows from `from` (inclusive) to `to` (exclusive). The sums are additive: parts can be subtracted. */
function accumulate(system: System, weights: Float64Array, from: number, to: number): Equations {
  const { z, lags, decay, mean, spread } = system;
  const size = lags.length + 1;
  const gram = new Float64Array(size * size);
  const right = new Float64Array(size);
  const row = new Float64Array(size);
  row[size - 1] = 1;
  let total = 0;
  let rows = 0;
  let forgetting = decay ** (z.length - to);
  for (let t = to - 1; t >= from; t--, forgetting *= decay) {
    const weight = forgetting * weights[t]!;
    if (weight === 0) continue;
    total += weight;
    rows++;
    for (let j = 0; j < size - 1; j++) row[j] = (z[t - lags[j]!]! - mean) / spread;
    const target = (z[t]! - mean) / spread;
    for (let i = 0; i < size; i++) {
      const weighted = row[i]! * weight;
      right[i]! += weighted * target;
      for (let j = 0, at = i * size; j <= i; j++, at++) gram[at]! += weighted * row[j]!;
    }
  }
  return { gram, right, total, rows };
}

function subtract(whole: Equations, part: Equations): Equations {
  return {
    gram: whole.gram.map((value, i) => value - part.gram[i]!),
    right: whole.right.map((value, i) => value - part.right[i]!),
    total: whole.total - part.total,
    rows: whole.rows - part.rows,
  };
}

function solve({ lags, mean, spread }: System, equations: Equations): Regression {
  const size = lags.length + 1;
  const unit = equations.total > 0 ? 1 / equations.total : 0;
  const gram = equations.gram.map((value) => value * unit);
  const right = equations.right.map((value) => value * unit);
  for (let i = 0; i < size; i++) gram[i * size + i]! += RIDGE;
  return { lags, coefficients: cholesky(gram, right), mean, spread, sigma: 0 };
}

/** Solves A x = b for a positive definite A, given by its lower triangle; overwrites A with its Cholesky factor. */
function cholesky(a: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * size + k]! * a[j * size + k]!;
      a[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * size + j]!;
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i]! -= a[i * size + k]! * x[k]!;
    x[i]! /= a[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i]! -= a[k * size + i]! * x[k]!;
    x[i]! /= a[i * size + i]!;
  }
  return x;
}

/** The one-step forecast for t. */
export function expectAt(z: Float64Array, t: number, regression: Regression): number {
  const { lags, coefficients, mean, spread } = regression;
  let sum = coefficients[lags.length]! * spread;
  for (let j = 0; j < lags.length; j++) sum += coefficients[j]! * (z[t - lags[j]!]! - mean);
  return mean + sum;
}

/** Forecasts `horizon` values from those before `origin`, feeding each step back into the next. */
export function forecastFrom(
  z: Float64Array,
  origin: number,
  horizon: number,
  regression: Regression,
): Float64Array {
  const from = Math.max(0, origin - (regression.lags.at(-1) ?? 0));
  const known = origin - from;
  const path = new Float64Array(known + horizon);
  path.set(z.subarray(from, origin));
  for (let t = known; t < path.length; t++) path[t] = expectAt(path, t, regression);
  return path.subarray(known);
}

function residualsOf(z: Float64Array, regression: Regression): Float64Array {
  const residuals = new Float64Array(z.length);
  for (let t = regression.lags.at(-1) ?? 0; t < z.length; t++) {
    residuals[t] = z[t]! - expectAt(z, t, regression);
  }
  return residuals;
}

function residualSigma(residuals: Float64Array, weights: Float64Array, first: number): number {
  const sizes = [];
  for (let t = first; t < residuals.length; t++) {
    if (weights[t]! > 0) sizes.push(Math.abs(residuals[t]!));
  }
  return (sizes.length > 0 ? median(sizes) : 0) * MAD_TO_SIGMA + 1e-9;
}
