import { decayPerBucket, type BucketSeries } from "./clean.ts";
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

/** Forecasts `horizon` buckets from `origin`, from the buckets before it. */
type FittedModel = (origin: number, horizon: number) => Float64Array;

/** The model fitted to all data, followed by one fit without each span. */
type Fits = FittedModel[];

type Context = {
  series: BucketSeries;
  day: number;
  week: number;
  /** Whether the history is too short for the weekly season. */
  dayOnly: boolean;
  decay: number;
  spans: readonly Span[];
};

/**
 * The models of the ensemble: two autoregressions on the square-root scale, with lags around the seasons; one
 * autoregression of seasonal differences; and one or two exponentially weighted profiles of the day and week, with an
 * autoregression of the remainder.
 */
export function fitModels(
  prepared: Prepared,
  series: BucketSeries,
  spans: readonly Span[],
): Fits[] {
  const { day, week, nonNegative } = prepared;
  const dayOnly = day === week;
  const context = { series, day, week, dayOnly, decay: decayPerBucket(day, week), spans };
  const even = nonNegative ? scales.root : scales.identity;
  const positive = nonNegative && series.buckets.every((value) => value > 0);
  const relative = positive ? scales.log : even;
  const near = dayOnly ? [day, 2 * day] : [day, 2 * day, week];
  const between = dayOnly ? [day] : [day, 2 * day, week - day, week];
  return [
    autoregression(context, even, { seasons: near, radius: 2 }),
    autoregression(context, even, { seasons: between, radius: dayOnly ? 1 : 2 }),
    seasonalDifferenceModel(context, relative),
    profileModel(context, scales.identity),
    ...(positive ? [profileModel(context, scales.log)] : []),
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

/** An autoregression of the differences to the same time a day ago. */
function seasonalDifferenceModel(context: Context, scale: Scale): Fits {
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
    (regression: Regression): FittedModel =>
    (origin, horizon) => {
      const path = forecastFrom(changes, origin - day, horizon, regression);
      for (let h = 0; h < horizon; h++) path[h]! += h < day ? z[origin + h - day]! : path[h - day]!;
      return unscale(path, scale);
    };
  return fitRegressions(changes, weights, options, spans).map(addUp);
}

function profileModel(context: Context, scale: Scale): Fits {
  const z = rescale(context.series.buckets, scale);
  const lags = [...RECENT_LAGS, context.day, context.day + 1].filter(
    (lag) => lag < z.length * LAG_SHARE_MAX,
  );
  const options = { lags, decay: context.decay, reweightings: 1 };
  return [null, ...context.spans].map((span) => {
    const profileAt = seasonalProfile(context, z, span);
    const rest = z.map((value, t) => value - profileAt(t));
    const fits = fitRegressions(rest, context.series.weights, options, span ? [span] : []);
    const regression = fits.at(-1)!;
    return (origin, horizon) => {
      const path = forecastFrom(rest, origin, horizon, regression);
      for (let h = 0; h < horizon; h++) path[h]! += profileAt(origin + h);
      return unscale(path, scale);
    };
  });
}

/** Level + daily profile + weekly profile. Weights halve in two weeks, or five days without the weekly season. */
function seasonalProfile(
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

/** Weighted mean of each phase of a season; `shrinkage` is the weight of an additional observation of zero. */
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
