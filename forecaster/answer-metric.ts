import { DATASET } from "#pipeline/measures/split-fields.ts";
import { type Metric, metricNamed, type PredictedMetric } from "#pipeline/metrics/catalogue.ts";
import { chartStep } from "#pipeline/metrics/planner.ts";
import type { MetricAnswer, MetricQuery } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import type { MetricReader, Extent } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";

import type { PredictedSeries } from "./predicted-path.ts";
import type { Predictions } from "./predictions.ts";

/** A question to the catalogue; with `asOfMs` a predicted metric is answered from what was known then. */
export type CatalogueQuery = MetricQuery & { asOfMs?: number };
/** `prediction`: of a predicted metric, its bands and its score, or why there is none yet. */
export type CatalogueAnswer = MetricAnswer & { prediction?: PredictedSeries };

export type AnswerDeps = { events: MetricReader; predictions: Predictions; nowMs: number };

/**
 * Answers any metric of the catalogue: what is measured from the events, what is predicted from the forecaster.
 * @throws AppError bad_request where the question cannot be answered
 */
export async function answerMetric(
  deps: AnswerDeps,
  query: CatalogueQuery,
): Promise<CatalogueAnswer> {
  const metric = metricNamed(query.metric);
  if (metric.source === "forecast") return predicted(deps, metric, query);
  if (query.asOfMs !== undefined) {
    throw new AppError("bad_request", `${metric.name} is measured: only predictions have an as-of`);
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
  const extent = predictable(await events.extents(), metric, query);
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

/** The dataset that the question is about: a prediction is of one dataset as a whole. */
function predictable(
  extents: readonly Extent[],
  metric: Metric,
  { where, by }: MetricQuery,
): Extent | undefined {
  const [condition, ...more] = where;
  const isDataset = condition?.field === DATASET && condition.op === "eq";
  if (by !== undefined || more.length > 0 || (condition !== undefined && !isDataset)) {
    throw new AppError(
      "bad_request",
      `${metric.name} is predicted for a whole dataset: it takes no filter and no split`,
    );
  }
  if (isDataset) return extents.find(({ dataset }) => dataset === condition.value);
  if (extents.length > 1) {
    const known = extents.map(({ dataset }) => dataset).join(", ");
    throw new AppError("bad_request", `${metric.name}: name one dataset of ${known}`);
  }
  return extents[0];
}
