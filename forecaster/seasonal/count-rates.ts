import type { Prepared } from "./prepare.ts";
import { type RateOptions, type RateShape, RunningRates } from "./running-rates.ts";

/** The counts of a series by bucket, and how many steps of each were measured. */
export type BucketCounts = {
  prepared: Prepared;
  events: Float64Array;
  exposure: Float64Array;
};

/** Rates fitted to a series, ready to forecast. */
export type FittedRates = {
  model: string;
  /** Events per step in a bucket after the end of the series. */
  rateAt: (t: number) => number;
  /** The number of events from which the level was estimated. */
  events: number;
  /** The rate of each bucket as forecast `gap` buckets before; NaN where there was no history yet. */
  backtest: Float64Array;
};

const FLAT: RateShape = { of: "flat", prior: 0 };
const PRIORS = [1, 4, 16];
const HALF_LIFE_DAYS = [14, 3, 1];
/** A more complex rate is used only if its log-likelihood in the backtest is better by this much, to rule out chance. */
const BETTER_BY = 2;

export function bucketCounts(prepared: Prepared): BucketCounts {
  const { fine, bucketSteps, unit, buckets } = prepared;
  const events = new Float64Array(buckets.length);
  const exposure = new Float64Array(buckets.length);
  fine.forEach((value, step) => {
    if (Number.isNaN(value)) return;
    const t = Math.floor(step / bucketSteps);
    events[t]! += Math.round(value * unit);
    exposure[t]! += 1;
  });
  return { prepared, events, exposure };
}

/**
 * Fits the rates of a count: first the shape of the day and the week with a level from the whole history, then how fast
 * the level changes. Each choice is made by forecasts of every bucket from those at least `gap` before it.
 */
export function fitRates(counts: BucketCounts, gap: number): FittedRates {
  const { day, longSeason: week } = counts.prepared;
  const of = day === week ? (["day"] as const) : (["day", "week"] as const);
  const shapes = [FLAT, ...of.flatMap((one) => PRIORS.map((prior) => ({ of: one, prior })))];
  const stable = { day, week, dayStart: quietestBucket(counts), halfLife: Infinity };
  const first = runThrough(counts, { ...stable, shape: FLAT }, gap);
  const spread = Math.max(1, overdispersionOf(counts, first.backtest));
  const margin = BETTER_BY * spread;
  const shaped = leastLoss(
    shapes.map((shape) => runThrough(counts, { ...stable, shape }, gap)),
    margin,
  );
  const changing = HALF_LIFE_DAYS.map((days) =>
    runThrough(counts, { ...shaped.options, halfLife: days * day }, gap),
  );
  const { options, rates, backtest } = leastLoss([shaped, ...changing], margin);
  const model =
    options.shape.of === "flat" ? "mean rate" : `mean rate by time of ${options.shape.of}`;
  return { model, rateAt: (t) => rates.rateAt(t), events: rates.events, backtest };
}

type Run = { options: RateOptions; rates: RunningRates; backtest: Float64Array; loss: number };

/** Updates the rates with the whole series, and forecasts each bucket `gap` buckets before it. */
function runThrough(
  { prepared, events, exposure }: BucketCounts,
  options: RateOptions,
  gap: number,
): Run {
  const rates = new RunningRates(options);
  const n = events.length;
  const backtest = new Float64Array(n).fill(NaN);
  let loss = 0;
  for (let t = gap; t < n; t++) {
    rates.observe(t - gap, events[t - gap]!, exposure[t - gap]!);
    if (t < prepared.day + gap || exposure[t] === 0) continue;
    backtest[t] = rates.rateAt(t);
    const mean = Math.max(backtest[t]! * exposure[t]!, 1e-9);
    loss += mean - events[t]! * Math.log(mean);
  }
  for (let t = Math.max(0, n - gap); t < n; t++) rates.observe(t, events[t]!, exposure[t]!);
  return { options, rates, backtest, loss };
}

/** Earlier runs are preferred by the margin. */
function leastLoss(runs: readonly Run[], margin: number): Run {
  let best = runs[0]!;
  for (const run of runs.slice(1))
    if (run.loss < best.loss - (best === runs[0] ? margin : 0)) best = run;
  return best;
}

/** The middle of the quarter of the day with the fewest events. */
function quietestBucket({ prepared: { day }, events }: BucketCounts): number {
  const ofDay = new Float64Array(day);
  events.forEach((count, t) => (ofDay[t % day]! += count));
  const length = Math.max(1, Math.floor(day / 4));
  let quietest = 0;
  let fewest = Infinity;
  for (let from = 0; from < day; from++) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += ofDay[(from + i) % day]!;
    if (sum >= fewest) continue;
    fewest = sum;
    quietest = (from + Math.floor(length / 2)) % day;
  }
  return quietest;
}

/** Variance over mean of the forecast errors. */
function overdispersionOf({ events, exposure }: BucketCounts, backtest: Float64Array): number {
  let squares = 0;
  let means = 0;
  backtest.forEach((rate, t) => {
    if (Number.isNaN(rate)) return;
    const mean = rate * exposure[t]!;
    squares += (events[t]! - mean) ** 2;
    means += mean;
  });
  return means > 0 ? squares / means : 1;
}
