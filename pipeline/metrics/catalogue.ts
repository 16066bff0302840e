import { AppError } from "#platform/errors.ts";

import { MEASURES } from "../measures/index.ts";
import type { MeasuredMetric, MetricBase } from "../measures/measure.ts";

/** A named value. Boards, queries and forecasts all use these, so that they count in the same way. */
export type Metric = MeasuredMetric | PredictedMetric;

/** Computed by the forecaster from the history of a count. */
export type PredictedMetric = MetricBase & {
  source: "forecast";
  predicts: { count: "requests" | "sign_ins" | "sign_outs"; per: "second" | "step" };
};

const PREDICTED: readonly PredictedMetric[] = [
  {
    name: "predicted_requests_per_second",
    title: "Predicted requests per second",
    unit: "1/s",
    meaning:
      "The forecast from the history of requests per second, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "requests", per: "second" },
  },
  {
    name: "predicted_sign_ins",
    title: "Predicted sign-ins",
    unit: "count",
    meaning:
      "The forecast from the history of sign-ins in each step, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "sign_ins", per: "step" },
  },
  {
    name: "predicted_sign_outs",
    title: "Predicted sign-outs",
    unit: "count",
    meaning:
      "The forecast from the history of sign-outs in each step, with intervals whose measured coverage is shown.",
    source: "forecast",
    predicts: { count: "sign_outs", per: "step" },
  },
];

const METRICS: readonly Metric[] = [
  ...MEASURES.flatMap((measure) => measure.metrics()),
  ...PREDICTED,
];

/** Every metric by its name. */
export const CATALOGUE: Readonly<Record<string, Metric>> = Object.fromEntries(
  METRICS.map((metric) => [metric.name, metric]),
);

/** The metric with this name. @throws AppError bad_request that lists the metrics */
export function metricNamed(name: string): Metric {
  const metric = Object.hasOwn(CATALOGUE, name) ? CATALOGUE[name] : undefined;
  if (metric) return metric;
  const names = METRICS.map((known) => known.name).join(", ");
  throw new AppError(
    "bad_request",
    `there is no metric ${JSON.stringify(name)}: use one of ${names}`,
  );
}
