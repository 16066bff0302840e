import { AggregatorRegistry, Registry, collectDefaultMetrics } from "prom-client";

import type { Route } from "../http/route.ts";
import type { Queryable } from "../postgres/database.ts";
import type { MetricJson } from "./metric-json.ts";

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts what happens on one route; made once for each, so that a request costs a few additions. */
export type RouteMeter = { begin(): void; end(status: number, tookMs: number): void };

export type Metrics = {
  meter(route: Route): RouteMeter;
  /** Of this process. */
  own(): Promise<MetricJson[]>;
};

type Counts = {
  labels: { method: string; route: string };
  statuses: Map<number, number>;
  /** Requests by bucket, not yet summed up; the last one is +Inf. */
  buckets: number[];
  secondsSum: number;
};

export function openMetrics(database: Queryable): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const routes: Counts[] = [];
  let inFlight = 0;
  return {
    meter({ method, path }) {
      const counts: Counts = {
        labels: { method, route: path },
        statuses: new Map(),
        buckets: Array.from({ length: BUCKETS.length + 1 }, () => 0),
        secondsSum: 0,
      };
      routes.push(counts);
      return {
        begin: () => void (inFlight += 1),
        end(status, tookMs) {
          inFlight -= 1;
          counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
          const seconds = tookMs / 1_000;
          counts.secondsSum += seconds;
          const bucket = bucketOf(seconds);
          counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
        },
      };
    },
    own: async () => [
      // Its types take the words that it writes for numbers.
      ...(await registry.getMetricsAsJSON()).map((it) => ({ ...it, type: String(it.type) })),
      gauge("quarterdeck_api_requests_in_flight", "Requests being answered", inFlight),
      requests(routes),
      durations(routes),
      ...(await jobs(database)),
    ],
  };
}

/** Several processes' metrics as one Prometheus text. */
export const metricsText = (all: MetricJson[][]): Promise<string> =>
  AggregatorRegistry.aggregate(all).metrics();

export const METRICS_MEDIA = Registry.PROMETHEUS_CONTENT_TYPE;

function bucketOf(seconds: number): number {
  const found = BUCKETS.findIndex((most) => seconds <= most);
  return found === -1 ? BUCKETS.length : found;
}

// oxlint-disable-next-line max-params
const gauge = (name: string, help: string, value: number, aggregator = "sum"): MetricJson => ({
  name,
  help,
  type: "gauge",
  aggregator,
  values: [{ value, labels: {} }],
});

function requests(routes: readonly Counts[]): MetricJson {
  const values = routes.flatMap(({ labels, statuses }) =>
    [...statuses].map(([status, value]) => ({ value, labels: { ...labels, status } })),
  );
  const help = "Requests answered";
  return {
    name: "quarterdeck_api_requests_total",
    help,
    type: "counter",
    aggregator: "sum",
    values,
  };
}

function durations(routes: readonly Counts[]): MetricJson {
  const name = "quarterdeck_api_request_duration_seconds";
  const values = routes.flatMap(({ labels, buckets, secondsSum }) => {
    let count = 0;
    const upTo = buckets.map((more, index) => {
      count += more;
      const le = BUCKETS[index] ?? "+Inf";
      return { value: count, labels: { ...labels, le }, metricName: `${name}_bucket` };
    });
    if (count === 0) return [];
    return [
      ...upTo,
      { value: secondsSum, labels, metricName: `${name}_sum` },
      { value: count, labels, metricName: `${name}_count` },
    ];
  });
  const help = "From the first byte of a request to its answer";
  return { name, help, type: "histogram", aggregator: "sum", values };
}

/** The same in every process, so of several the largest counts; without a database there is nothing to say. */
async function jobs(database: Queryable): Promise<MetricJson[]> {
  const rows = await database
    .query(
      `SELECT count(*) FILTER (WHERE failed_at IS NULL) AS waiting,
       count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed FROM jobs`,
    )
    .catch(() => []);
  return rows.flatMap(({ waiting, failed }) => [
    gauge("quarterdeck_api_jobs_waiting", "Jobs that are to be done", Number(waiting), "max"),
    gauge("quarterdeck_api_jobs_failed", "Jobs that were given up", Number(failed), "max"),
  ]);
}
