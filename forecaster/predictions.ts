import type { TimeRange } from "#pipeline/filter.ts";
import { ceilTo, floorTo } from "#pipeline/metrics/planner.ts";
import type { Extent, RollupReader } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { Forecast, ForecastAnswer, ForecastRequest, Series } from "./forecast.ts";
import { type Grid, gridFor } from "./grid.ts";
import { countHistories, type Histories } from "./history.ts";
import { fingerprintOf } from "./issue.ts";
import { joinForecasts, type PathOptions, type PredictedSeries } from "./predicted-path.ts";
import type { PredictedCount, SeriesKey } from "./predicted-series.ts";
import { scaleToWindow } from "./scale-to-window.ts";
import type { ForecastStore } from "./store/port.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const HORIZON_STEPS_MAX = 360;
const ORIGIN_MS = 5 * MINUTE_MS;
const LEVELS = [80, 95] as const;
const HISTORY_KEPT_MS = MINUTE_MS;
const HISTORIES_MAX = 500;

/** Computes forecasts outside the thread that serves requests. */
export type ForecastRunner = {
  forecast(request: ForecastRequest): Promise<ForecastAnswer>;
};

export type PredictionsDeps = {
  events: RollupReader;
  forecasts: ForecastStore;
  runner: ForecastRunner;
  clock: Clock;
  log: Log;
};

export type SeriesRequest = {
  count: PredictedCount;
  range: TimeRange;
  stepMs: number;
  per: PathOptions["per"];
  /** No data after this time is used. */
  asOfMs: number;
};

/** From the end of the data to the end of the range, and some hours at least. */
function aheadMs(range: TimeRange, originMs: number, { stepMs }: Grid): number {
  const halfMs = (range.toMs - range.fromMs) / 2;
  const hoursMs = Math.max(2 * HOUR_MS, Math.min(48 * HOUR_MS, halfMs));
  return Math.min(Math.max(hoursMs, range.toMs - originMs), HORIZON_STEPS_MAX * stepMs);
}

/** The reason why a range after the end of the data has no prediction. */
function beyondReach({ startMs, stepMs, mean }: Forecast): string {
  const endMs = startMs + mean.length * stepMs;
  return `the data end at ${utcMinute(startMs)}, and a forecast reaches until ${utcMinute(endMs)}`;
}

const utcMinute = (tMs: number): string =>
  `${new Date(tMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;

type History = { series: Series; key: SeriesKey; grid: Grid };

/**
 * Predictions for boards and queries. A past range shows what would have been predicted at that time: each window is
 * forecast from the data before it only. Issued forecasts are stored, and computed again only if their history has
 * changed.
 */
export class Predictions {
  readonly #deps: PredictionsDeps;
  readonly #histories = new Map<string, { atMs: number; counted: Promise<Histories> }>();
  readonly #pending = new Map<string, Promise<ForecastAnswer>>();

  constructor(deps: PredictionsDeps) {
    this.#deps = deps;
  }

  /**
   * The predicted counts over the range; and if it includes the end of the data, some hours after that, or up to the end
   * of a range that reaches into the future.
   */
  async series(
    extent: Extent,
    { count, range, stepMs, per, asOfMs }: SeriesRequest,
  ): Promise<PredictedSeries> {
    const grid = gridFor(stepMs);
    const knownMs = Math.min(asOfMs, extent.toMs + grid.stepMs);
    const newestOrigin = floorTo(knownMs, Math.max(grid.stepMs, ORIGIN_MS));
    const isPast = range.toMs + grid.stepMs <= newestOrigin;
    const fromMs = Math.min(range.fromMs, newestOrigin);
    const histories = await this.#count(extent, { fromMs, toMs: newestOrigin }, grid);
    const history = { series: histories[count], key: { dataset: extent.dataset, count }, grid };
    const ahead = isPast
      ? undefined
      : await this.#forecast(history, newestOrigin, aheadMs(range, newestOrigin, grid));
    if (ahead?.status === "learning") return ahead;
    const past: Forecast[] = [];
    let reason = "no forecast covers this range";
    const firstOrigin = floorTo(Math.max(range.fromMs, extent.fromMs), grid.windowMs);
    const endMs = Math.min(newestOrigin, range.toMs);
    for (let origin = firstOrigin; origin < endMs; origin += grid.windowMs) {
      const lengthMs = Math.min(grid.windowMs, newestOrigin - origin);
      const answer = await this.#forecast(history, origin, lengthMs);
      if (answer.status === "ready") past.push(answer.forecast);
      else reason = answer.reason;
    }
    const forecasts = ahead ? [...past, ahead.forecast] : past;
    const path = { fromMs: range.fromMs, levels: LEVELS, per };
    const joined = joinForecasts(forecasts, isPast ? { ...path, toMs: range.toMs } : path);
    if (joined.status === "ready") return joined;
    return { status: "learning", reason: ahead ? beyondReach(ahead.forecast) : reason };
  }

  /**
   * The prediction for the range as of a past time, from the forecasts issued until then; without any, the prediction
   * is computed from the data before that time.
   */
  async asOf(extent: Extent, request: SeriesRequest): Promise<PredictedSeries> {
    const { count, range, per, asOfMs } = request;
    const { stepMs } = gridFor(request.stepMs);
    const series = { dataset: extent.dataset, count };
    const issues = await this.#deps.forecasts.asOf({ ...range, series, stepMs, asOfMs });
    if (issues.length === 0) return this.series(extent, request);
    const forecasts = issues.map(({ forecast }) => forecast);
    return joinForecasts(forecasts, { fromMs: range.fromMs, levels: LEVELS, per });
  }

  /**
   * The count expected in the last `minutes` before `nowMs`, as predicted before they began: mean and 95 % interval;
   * null if the history is too short.
   */
  async expected(
    count: PredictedCount,
    extent: Extent,
    { minutes, nowMs }: { minutes: number; nowMs: number },
  ): Promise<{ mean: number; lower: number; upper: number } | null> {
    const grid = gridFor(5 * MINUTE_MS);
    const fromMs = nowMs - minutes * MINUTE_MS;
    const origin = floorTo(fromMs, grid.stepMs);
    const endMs = floorTo(nowMs, grid.stepMs);
    const histories = await this.#count(extent, { fromMs: endMs - HOUR_MS, toMs: endMs }, grid);
    const lengthMs = Math.ceil((nowMs - origin) / grid.stepMs) * grid.stepMs;
    const history = { series: histories[count], key: { dataset: extent.dataset, count }, grid };
    const answer = await this.#forecast(history, origin, lengthMs);
    if (answer.status === "learning") return null;
    return scaleToWindow(answer.forecast, { fromMs, toMs: nowMs });
  }

  /** Counts up to `span.toMs`, including the history that a forecast from `span.fromMs` on needs. */
  #count(extent: Extent, span: TimeRange, { stepMs, historyMs }: Grid): Promise<Histories> {
    const { clock, events } = this.#deps;
    const startMs = Math.max(
      ceilTo(extent.fromMs, stepMs),
      floorTo(span.fromMs - historyMs, stepMs),
    );
    const key = `${extent.dataset} ${startMs} ${span.toMs} ${stepMs}`;
    const cached = this.#histories.get(key);
    if (cached && clock.nowMs() - cached.atMs < HISTORY_KEPT_MS) return cached.counted;
    const counted = countHistories(events, extent.dataset, { startMs, toMs: span.toMs, stepMs });
    this.#histories.set(key, { atMs: clock.nowMs(), counted });
    const oldest = this.#histories.keys().next();
    if (this.#histories.size > HISTORIES_MAX && !oldest.done) this.#histories.delete(oldest.value);
    counted.catch(() => this.#histories.delete(key));
    return counted;
  }

  /** The forecast issued at `originMs` for the next `lengthMs`: the stored one if it is still valid, else a new one. */
  async #forecast(
    { series, key, grid }: History,
    originMs: number,
    lengthMs: number,
  ): Promise<ForecastAnswer> {
    const { stepMs, seasonalities } = grid;
    const horizon = Math.max(1, Math.ceil(lengthMs / stepMs));
    const count = Math.max(0, Math.round((originMs - series.startMs) / stepMs));
    const first = Math.max(0, count - grid.historyMs / stepMs);
    const startMs = series.startMs + first * stepMs;
    const history = { startMs, stepMs, values: series.values.slice(first, count) };
    const request = { series: history, horizon, seasonalities, levels: LEVELS };
    const pendingKey = `${JSON.stringify(key)} ${originMs} ${horizon} ${stepMs} ${count - first}`;
    const pending = this.#pending.get(pendingKey);
    if (pending) return pending;
    const answer = this.#findOrCompute(key, request).finally(() =>
      this.#pending.delete(pendingKey),
    );
    this.#pending.set(pendingKey, answer);
    return answer;
  }

  async #findOrCompute(series: SeriesKey, request: ForecastRequest): Promise<ForecastAnswer> {
    const { forecasts, log } = this.#deps;
    const { startMs, stepMs, values } = request.series;
    const issuedMs = startMs + values.length * stepMs;
    const history = fingerprintOf(request.series);
    const { horizon } = request;
    const kept = await forecasts.find({ series, stepMs, issuedMs, horizon }).catch(() => undefined);
    if (kept?.history === history) return { status: "ready", forecast: kept.forecast };
    const answer = await this.#compute(request);
    if (answer.status === "ready") {
      const saved = forecasts.save({ series, history, forecast: answer.forecast });
      await saved.catch((error: unknown) =>
        log.warn("a forecast could not be stored and will be computed again when needed", {
          error,
        }),
      );
    }
    return answer;
  }

  /** If the forecaster fails, boards only lack their predictions. */
  async #compute(request: ForecastRequest): Promise<ForecastAnswer> {
    const { runner, log } = this.#deps;
    try {
      return await runner.forecast(request);
    } catch (error) {
      log.warn("a forecast failed and will be computed again when needed", { error });
      return { status: "learning", reason: "the forecaster failed; it will be tried again" };
    }
  }
}
