import type { Prediction } from "#dashboards/api.ts";
import type { ForecastAnswer, Series } from "#forecaster/forecast.ts";
import { ceilTo, floorTo } from "#pipeline/metrics/planner.ts";
import type { Measure } from "#pipeline/rollup.ts";
import type { Extent, EventStore } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";

import type { ForecastWorker } from "./forecast-worker.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HORIZON_STEPS_MAX = 360;
const ORIGIN_MS = 5 * MINUTE_MS;
const LEVELS = [80, 95] as const;
const HISTORY_KEPT_MS = MINUTE_MS;
const CACHED_MAX = 500;

const PREDICTED = ["requests", "sign_ins", "sign_outs"] as const;
export type PredictedMetric = (typeof PREDICTED)[number];

type Span = { fromMs: number; toMs: number };
type Grid = {
  stepMs: number;
  windowMs: number;
  historyMs: number;
  seasonalities: readonly number[];
};

/**
 * Predictions are made at the step at which they are drawn: the band of an average over five minutes is too narrow for
 * single minutes. The past is predicted window by window.
 */
function gridFor(stepAsked: number): Grid {
  const stepMs = Math.max(stepAsked, MINUTE_MS);
  const isFine = stepMs < 5 * MINUTE_MS;
  return {
    stepMs,
    windowMs: isFine ? 6 * HOUR_MS : stepMs < 3 * HOUR_MS ? DAY_MS : 7 * DAY_MS,
    historyMs: isFine ? 14 * DAY_MS : stepMs < HOUR_MS ? 28 * DAY_MS : 56 * DAY_MS,
    seasonalities: [DAY_MS / stepMs, (7 * DAY_MS) / stepMs].filter((steps) => steps >= 4),
  };
}

/**
 * Predictions for boards. What is drawn over the past is what would have been predicted then: each window of it is
 * forecast from the data before that window only.
 */
export class Predictions {
  readonly #store: EventStore;
  readonly #worker: ForecastWorker;
  readonly #clock: Clock;
  readonly #histories = new Map<string, { atMs: number; counted: Promise<Counted> }>();
  readonly #cache = new Map<string, Promise<ForecastAnswer>>();

  constructor(store: EventStore, worker: ForecastWorker, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#worker = worker;
  }

  /** Requests/s over the range and the hours behind it. `nowMs` is the end of what is known. */
  async requestsPerSecond(
    extent: Extent,
    { range, stepMs, nowMs }: { range: Span; stepMs: number; nowMs: number },
  ): Promise<Prediction> {
    const grid = gridFor(stepMs);
    const halfMs = (range.toMs - range.fromMs) / 2;
    const horizonMs = Math.min(
      Math.max(2 * HOUR_MS, Math.min(48 * HOUR_MS, halfMs)),
      HORIZON_STEPS_MAX * grid.stepMs,
    );
    const knownMs = Math.min(nowMs, extent.toMs + grid.stepMs);
    const lastOrigin = floorTo(knownMs, Math.max(grid.stepMs, ORIGIN_MS));
    const span = { fromMs: range.fromMs, toMs: lastOrigin };
    const { requests: series } = await this.#counted(extent, span, grid);
    const history = { series, name: extent.dataset, grid };
    const ahead = await this.#from(history, lastOrigin, horizonMs);
    if (ahead.status === "learning") return ahead;
    const past: ForecastAnswer[] = [];
    const firstOrigin = Math.max(floorTo(range.fromMs, grid.windowMs), extent.fromMs);
    for (
      let origin = floorTo(firstOrigin, grid.windowMs);
      origin < lastOrigin;
      origin += grid.windowMs
    ) {
      const lengthMs = Math.min(grid.windowMs, lastOrigin - origin);
      past.push(await this.#from(history, origin, lengthMs));
    }
    return toPrediction([...past, ahead], { fromMs: range.fromMs, issuedMs: lastOrigin });
  }

  /**
   * What was to be expected in the last `minutes`, predicted at their beginning: mean and 95 % interval; null
   * while the model is learning.
   */
  async expected(
    metric: PredictedMetric,
    extent: Extent,
    { minutes, nowMs }: { minutes: number; nowMs: number },
  ): Promise<{ mean: number; lower: number; upper: number } | null> {
    const grid = gridFor(5 * MINUTE_MS);
    const fromMs = nowMs - minutes * MINUTE_MS;
    const origin = floorTo(fromMs, grid.stepMs);
    const endMs = floorTo(nowMs, grid.stepMs);
    const counted = await this.#counted(extent, { fromMs: endMs - HOUR_MS, toMs: endMs }, grid);
    const series = counted[metric];
    const lengthMs = Math.ceil((nowMs - origin) / grid.stepMs) * grid.stepMs;
    const name = `${extent.dataset} ${metric}`;
    const answer = await this.#from({ series, name, grid }, origin, lengthMs);
    if (answer.status === "learning") return null;
    const { sum, mean, startMs, stepMs } = answer.forecast;
    const share = mean.reduce((total, value, i) => {
      const start = startMs + i * stepMs;
      const overlap = Math.min(start + stepMs, nowMs) - Math.max(start, fromMs);
      return total + value * Math.max(0, overlap / stepMs);
    }, 0);
    const scale = sum.mean > 0 ? share / sum.mean : minutes / (lengthMs / MINUTE_MS);
    const wide = sum.intervals.find(({ level }) => level === 95);
    if (!wide) return null;
    return { mean: sum.mean * scale, lower: wide.lower * scale, upper: wide.upper * scale };
  }

  /** What was counted in each step before `toMs`, from a history before `fromMs` on, for all metrics at once. */
  #counted(extent: Extent, span: Span, { stepMs, historyMs }: Grid): Promise<Counted> {
    const startMs = Math.max(
      ceilTo(extent.fromMs, stepMs),
      floorTo(span.fromMs - historyMs, stepMs),
    );
    const key = `${extent.dataset} ${startMs} ${span.toMs} ${stepMs}`;
    const known = this.#histories.get(key);
    if (known && this.#clock.nowMs() - known.atMs < HISTORY_KEPT_MS) return known.counted;
    const counted = countSteps(this.#store, extent.dataset, { startMs, toMs: span.toMs, stepMs });
    remember(this.#histories, key, { atMs: this.#clock.nowMs(), counted });
    counted.catch(() => this.#histories.delete(key));
    return counted;
  }

  async #from(
    { series, name, grid }: { series: Series; name: string; grid: Grid },
    originMs: number,
    lengthMs: number,
  ): Promise<ForecastAnswer> {
    const horizon = Math.max(1, Math.ceil(lengthMs / grid.stepMs));
    const count = Math.max(0, Math.round((originMs - series.startMs) / grid.stepMs));
    const first = Math.max(0, count - grid.historyMs / grid.stepMs);
    const values = series.values.slice(first, count);
    const startMs = series.startMs + first * grid.stepMs;
    const key = `${name} ${startMs} ${originMs} ${horizon} ${grid.stepMs} ${values.length}`;
    let answer = this.#cache.get(key);
    if (!answer) {
      answer = this.#worker.forecast({
        series: { startMs, stepMs: grid.stepMs, values },
        horizon,
        seasonalities: grid.seasonalities,
        levels: LEVELS,
      });
      remember(this.#cache, key, answer);
      answer.catch(() => this.#cache.delete(key));
    }
    return answer;
  }
}

type Counted = Record<PredictedMetric, Series>;

const MEASURE_OF: Record<PredictedMetric, Measure> = {
  requests: "requests",
  sign_ins: "sign-in",
  sign_outs: "sign-out",
};

async function countSteps(
  store: EventStore,
  dataset: string,
  { startMs, toMs, stepMs }: { startMs: number; toMs: number; stepMs: number },
): Promise<Counted> {
  const steps = Math.max(0, Math.round((toMs - startMs) / stepMs));
  const zeros = (): number[] => Array.from({ length: steps }, () => 0);
  const values = { requests: zeros(), sign_ins: zeros(), sign_outs: zeros() };
  const cells =
    steps === 0
      ? []
      : await store.cells({
          fromMs: startMs,
          toMs,
          stepMs,
          levelS: stepMs % HOUR_MS === 0 ? 3600 : 60,
          measures: PREDICTED.map((metric) => MEASURE_OF[metric]),
          dataset,
          byKey: false,
        });
  for (const { tMs, measure, value } of cells) {
    const metric = PREDICTED.find((name) => MEASURE_OF[name] === measure);
    const step = Math.round((tMs - startMs) / stepMs);
    if (metric && step >= 0 && step < steps) values[metric][step] = value;
  }
  const series = (metric: PredictedMetric): Series => ({ startMs, stepMs, values: values[metric] });
  return {
    requests: series("requests"),
    sign_ins: series("sign_ins"),
    sign_outs: series("sign_outs"),
  };
}

function remember<T>(cache: Map<string, T>, key: string, value: T): void {
  cache.set(key, value);
  const oldest = cache.keys().next();
  if (cache.size > CACHED_MAX && !oldest.done) cache.delete(oldest.value);
}

/** Joins forecasts that follow one another into one line with its bands, per second. */
function toPrediction(
  answers: readonly ForecastAnswer[],
  { fromMs, issuedMs }: { fromMs: number; issuedMs: number },
): Prediction {
  const tMs: number[] = [];
  const mean: number[] = [];
  const bands = LEVELS.map((level) => ({ level, lower: [] as number[], upper: [] as number[] }));
  const ready = answers.flatMap((answer) => (answer.status === "ready" ? [answer.forecast] : []));
  for (const forecast of ready) {
    const perSecond = 1000 / forecast.stepMs;
    for (const [i, value] of forecast.mean.entries()) {
      const t = forecast.startMs + i * forecast.stepMs;
      if (t + forecast.stepMs <= fromMs) continue;
      tMs.push(t);
      mean.push(value * perSecond);
      for (const band of bands) {
        const interval = forecast.intervals.find(({ level }) => level === band.level);
        band.lower.push((interval?.lower[i] ?? value) * perSecond);
        band.upper.push((interval?.upper[i] ?? value) * perSecond);
      }
    }
  }
  const last = ready.at(-1);
  if (!last) return { status: "learning", reason: "no forecast covers this range yet" };
  const { model, stepMs, score } = last;
  const { mase, coverage } = score;
  return { status: "ready", model, issuedMs, stepMs, tMs, mean, bands, mase, coverage };
}
