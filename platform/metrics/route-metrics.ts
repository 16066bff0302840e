import type { MetricJson } from "./metric-json.ts";

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts the requests of one route. Created once per route, so that a request only costs a few additions. */
export type RouteMeter = { begin(): void; end(status: number, tookMs: number): void };

/** Requests and their durations, by route. */
export type RouteMetrics = {
  meter(route: { method: string; path: string }): RouteMeter;
  values(): MetricJson[];
};

type Counts = {
  labels: { method: string; route: string };
  statuses: Map<number, number>;
  /** Requests by bucket, not cumulative; the last one is +Inf. */
  buckets: number[];
  secondsSum: number;
};

export function createRouteMetrics(): RouteMetrics {
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
    values: () => [requestsInFlight(inFlight), requests(routes), durations(routes)],
  };
}

function bucketOf(seconds: number): number {
  const found = BUCKETS.findIndex((most) => seconds <= most);
  return found === -1 ? BUCKETS.length : found;
}

const requestsInFlight = (value: number): MetricJson => ({
  name: "quarterdeck_api_requests_in_flight",
  help: "Requests in progress",
  type: "gauge",
  aggregator: "sum",
  values: [{ value, labels: {} }],
});

const requests = (routes: readonly Counts[]): MetricJson => ({
  name: "quarterdeck_api_requests_total",
  help: "Requests completed",
  type: "counter",
  aggregator: "sum",
  values: routes.flatMap(({ labels, statuses }) =>
    [...statuses].map(([status, value]) => ({ value, labels: { ...labels, status } })),
  ),
});

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
  const help = "From the first byte of a request to the end of its response";
  return { name, help, type: "histogram", aggregator: "sum", values };
}
