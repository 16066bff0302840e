import { forgetting, type BucketSeries } from "./clean.ts";
import type { Prepared } from "./prepare.ts";
import {
  fitRegressions,
  LAG_SHARE_MAX,
  lagsAround,
  RECENT_LAGS,
  forecastFrom,
  type Regression,
  type Span,
} from "./ridge.ts";
import { rescale, scales, unscale, type Scale } from "./scale.ts";

/** A fitted model: what it expects of the `horizon` buckets from `origin`, knowing the buckets before it. */
type Fitted = (origin: number, horizon: number) => Float64Array;

/** One fit to everything and one without each span, in this order. */
type Fits = Fitted[];

type Context = {
  series: BucketSeries;
  day: number;
  week: number;
  /** The history is too short for the week. */
  dayOnly: boolean;
  decay: number;
  spans: readonly Span[];
};

/**
 * The parts of the ensemble, each fitted to everything and without each span: two autoregressions on the square-root scale,
 * with the neighbours of the seasonal lags; one on seasonal differences; two exponentially weighted
 * profiles of the day and week with an autoregressive rest.
 */
export function fitModels(
  prepared: Prepared,
  series: BucketSeries,
  spans: readonly Span[],
): Fits[] {
  const { day, week, nonNegative } = prepared;
  const dayOnly = day === week;
  const context = { series, day, week, dayOnly, decay: forgetting(day, week), spans };
  const even = nonNegative ? scales.root : scales.identity;
  const positive = nonNegative && series.buckets.every((value) => value > 0);
  const relative = positive ? scales.log : even;
  const near = dayOnly ? [day, 2 * day] : [day, 2 * day, week];
  const between = dayOnly ? [day] : [day, 2 * day, week - day, week];
  return [
    autoregression(context, even, { seasons: near, radius: 2 }),
    autoregression(context, even, { seasons: between, radius: dayOnly ? 1 : 2 }),
    seasonalDifference(context, relative),
    profile(context, scales.identity),
    ...(positive ? [profile(context, scales.log)] : []),
  ];
}

function autoregression(
  context: Context,
  scale: Scale,
  around: { seasons: number[]; radius: number },
): Fits {
  const z = rescale(context.series.buckets, scale);
  const lags = lagsAround(around.seasons, around.radius, RECENT_LAGS, z.length * LAG_SHARE_MAX);
  const options = { lags, decay: context.decay, reweightings: 2 };
  const regressions = fitRegressions(z, context.series.weights, options, context.spans);
  return regressions.map(
    (regression) => (origin, horizon) =>
      unscale(forecastFrom(z, origin, horizon, regression), scale),
  );
}

/** Changes since the same time a day ago, forecast by an autoregression and added up again. */
function seasonalDifference(context: Context, scale: Scale): Fits {
  const { day, week, series } = context;
  const z = rescale(series.buckets, scale);
  const n = Math.max(0, z.length - day);
  const changes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let t = 0; t < n; t++) {
    changes[t] = z[t + day]! - z[t]!;
    weights[t] = series.weights[t + day]! * (series.weights[t]! || 0.01);
  }
  const seasons = context.dayOnly ? [day] : [day, week - day, week];
  const lags = lagsAround(seasons, 1, RECENT_LAGS, n * LAG_SHARE_MAX);
  const spans = context.spans.map(({ from, to }) => ({ from: from - day, to: to - day }));
  const options = { lags, decay: context.decay, reweightings: 1 };
  const addUp =
    (regression: Regression): Fitted =>
    (origin, horizon) => {
      const path = forecastFrom(changes, origin - day, horizon, regression);
      for (let h = 0; h < horizon; h++) path[h]! += h < day ? z[origin + h - day]! : path[h - day]!;
      return unscale(path, scale);
    };
  return fitRegressions(changes, weights, options, spans).map(addUp);
}

function profile(context: Context, scale: Scale): Fits {
  const z = rescale(context.series.buckets, scale);
  const lags = [...RECENT_LAGS, context.day, context.day + 1].filter(
    (lag) => lag < z.length * LAG_SHARE_MAX,
  );
  const options = { lags, decay: context.decay, reweightings: 1 };
  return [null, ...context.spans].map((span) => {
    const usual = usualCourse(context, z, span);
    const rest = z.map((value, t) => value - usual(t));
    const fits = fitRegressions(rest, context.series.weights, options, span ? [span] : []);
    const regression = fits.at(-1)!;
    return (origin, horizon) => {
      const path = forecastFrom(rest, origin, horizon, regression);
      for (let h = 0; h < horizon; h++) path[h]! += usual(origin + h);
      return unscale(path, scale);
    };
  });
}

/** Level + day profile + what the week adds to it, with weights that halve in two weeks (five days without the week). */
function usualCourse(
  context: Context,
  z: Float64Array,
  without: Span | null,
): (t: number) => number {
  const { day, week, dayOnly } = context;
  const weights = new Float64Array(z.length);
  const decay = 0.5 ** (1 / (dayOnly ? 5 * day : 2 * week));
  for (let t = z.length - 1, weight = 1; t >= 0; t--, weight *= decay) weights[t] = weight;
  if (without) weights.fill(0, without.from, without.to);
  const [level = 0] = weightedMeans(z, weights, 1, 0);
  const rest = z.map((value) => value - level);
  const ofDay = weightedMeans(rest, weights, day, 0);
  if (dayOnly) return (t) => level + ofDay[t % day]!;
  const ofWeek = weightedMeans(
    rest.map((value, t) => value - ofDay[t % day]!),
    weights,
    week,
    0.3,
  );
  return (t) => level + ofDay[t % day]! + ofWeek[t % week]!;
}

/** Weighted mean of each phase of a season, drawn towards zero by `shrinkage` more observations of it. */
function weightedMeans(
  z: Float64Array,
  weights: Float64Array,
  season: number,
  shrinkage: number,
): Float64Array {
  const sums = new Float64Array(season);
  const totals = new Float64Array(season).fill(shrinkage);
  for (let t = 0, phase = 0; t < z.length; t++) {
    sums[phase]! += weights[t]! * z[t]!;
    totals[phase]! += weights[t]!;
    if (++phase === season) phase = 0;
  }
  return sums.map((sum, phase) => (totals[phase]! > 0 ? sum / totals[phase]! : 0));
}
