import { AggregatorRegistry, Registry, collectDefaultMetrics } from "prom-client";

import type { Queryable } from "../postgres/database.ts";
import type { MetricJson } from "./metric-json.ts";
import { type RouteMetrics, createRouteMetrics } from "./route-metrics.ts";

export type Metrics = {
  meter: RouteMetrics["meter"];
  /** The metrics of this process. */
  own(): Promise<MetricJson[]>;
};

export function openMetrics(database: Queryable): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { meter, values } = createRouteMetrics();
  return {
    meter,
    own: async () => [
      // The library's types declare the metric type as a number; at run time it is text.
      ...(await registry.getMetricsAsJSON()).map((it) => ({ ...it, type: String(it.type) })),
      ...values(),
      ...(await jobs(database)),
    ],
  };
}

/** Metrics of several processes as one Prometheus text. */
export const metricsText = (all: MetricJson[][]): Promise<string> =>
  AggregatorRegistry.aggregate(all).metrics();

export const METRICS_MEDIA = Registry.PROMETHEUS_CONTENT_TYPE;

/** Every process counts the same rows, so the maximum is used. Without a database there is no count. */
async function jobs(database: Queryable): Promise<MetricJson[]> {
  const rows = await database
    .query(
      `SELECT count(*) FILTER (WHERE failed_at IS NULL) AS waiting,
       count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed FROM jobs`,
    )
    .catch(() => []);
  return rows.flatMap(({ waiting, failed }) => [
    jobGauge("waiting", "Jobs that are waiting or running", waiting),
    jobGauge("failed", "Jobs that have no attempts left", failed),
  ]);
}

const jobGauge = (name: string, help: string, count: unknown): MetricJson => ({
  name: `quarterdeck_api_jobs_${name}`,
  help,
  type: "gauge",
  aggregator: "max",
  values: [{ value: Number(count), labels: {} }],
});
