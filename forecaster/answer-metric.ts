import { DATASET } from "#pipeline/measures/split-fields.ts";
import { type Metric, metricNamed, type PredictedMetric } from "#pipeline/metrics/catalogue.ts";
import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { chartStep } from "#pipeline/metrics/planner.ts";
import type { MetricAnswer, MetricQuery } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import type { MetricReader, Extent } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";

import type { PredictedSeries } from "./predicted-path.ts";
import type { Predictions } from "./predictions.ts";

/** With `asOfMs` a predicted metric is answered with the forecast that was valid at that time. */
export type CatalogueQuery = MetricQuery & { asOfMs?: number };
/** `prediction` (predicted metrics only): the bands and the score, or why there is no forecast yet. */
export type CatalogueAnswer = MetricAnswer & { prediction?: PredictedSeries };

export type AnswerDeps = { events: MetricReader; predictions: Predictions; nowMs: number };

/**
 * Answers any metric of the catalogue: measured metrics from the events, predicted metrics from the forecaster.
 * @throws AppError bad_request if the query is not valid for this metric
 */
export async function answerMetric(
  deps: AnswerDeps,
  query: CatalogueQuery,
): Promise<CatalogueAnswer> {
  const metric = metricNamed(query.metric);
  if (metric.source === "forecast") return predicted(deps, metric, query);
  if (query.asOfMs !== undefined) {
    throw new AppError(
      "bad_request",
      `${metric.name} is measured: only predicted metrics accept an as-of time`,
    );
  }
  return runQuery(deps.events, query);
}

async function predicted(
  { events, predictions, nowMs }: AnswerDeps,
  metric: PredictedMetric,
  query: CatalogueQuery,
): Promise<CatalogueAnswer> {
  const { fromMs, toMs, asOfMs } = query;
  const range = { fromMs, toMs };
  const stepMs = query.stepMs ?? chartStep(range);
  const { count, per } = metric.predicts;
  const extent = datasetExtent(await mainExtents(events, nowMs), metric, query);
  const prediction = extent
    ? await (asOfMs === undefined
        ? predictions.series(extent, { count, range, stepMs, per, asOfMs: nowMs })
        : predictions.asOf(extent, { count, range, stepMs, per, asOfMs }))
    : ({ status: "learning", reason: "no requests have been seen yet" } as const);
  return { ...answerOf(metric, range, prediction), prediction };
}

function answerOf(
  { name, unit }: Metric,
  range: { fromMs: number; toMs: number },
  prediction: PredictedSeries,
): MetricAnswer {
  const head = { metric: name, unit, ...range, from: "forecast" as const };
  if (prediction.status === "learning") return { ...head, stepMs: null, series: [] };
  const { tMs, mean, stepMs } = prediction;
  const points = tMs.map((t, i): [number, number | null] => [t, mean[i] ?? null]);
  const inRange = points.flatMap(([t, value]) => (t < range.toMs && value !== null ? [value] : []));
  const sum = inRange.reduce((total, value) => total + value, 0);
  const value = inRange.length === 0 ? null : unit === "1/s" ? sum / inRange.length : sum;
  return { ...head, stepMs, series: [{ key: null, value, points }] };
}

/** The extent of the queried dataset. Each prediction covers one whole dataset. */
function datasetExtent(
  extents: readonly Extent[],
  metric: Metric,
  { where, by }: MetricQuery,
): Extent | undefined {
  const [condition, ...more] = where;
  const isDataset = condition?.op === "eq" && condition.field === DATASET;
  if (by !== undefined || more.length > 0 || (condition !== undefined && !isDataset)) {
    throw new AppError(
      "bad_request",
      `${metric.name} is predicted for a whole dataset: filters and splits are not supported`,
    );
  }
  if (isDataset) return extents.find(({ dataset }) => dataset === condition.value);
  if (extents.length > 1) {
    const known = extents.map(({ dataset }) => dataset).join(", ");
    throw new AppError("bad_request", `${metric.name}: choose one dataset of ${known}`);
  }
  return extents[0];
}
