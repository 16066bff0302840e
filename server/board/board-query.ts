import type { Condition, Filter, TimeRange } from "#pipeline/filter.ts";
import { DATASET } from "#pipeline/measures/split-fields.ts";
import { metricNamed } from "#pipeline/metrics/catalogue.ts";
import { measuredIn } from "#pipeline/metrics/main-extents.ts";
import type { MetricAnswer } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import type { Extent, MetricReader } from "#pipeline/store/port.ts";

/** Metrics that the board shows as charts. */
export const BOARD_SERIES = [
  "requests_per_second",
  "error_ratio",
  "client_error_ratio",
  "response_time_p50",
  "response_time_p95",
  "response_time_p99",
  "users_connected",
  "instances_running",
  "sign_ins",
  "sign_outs",
];
/** Metrics that it shows only as totals. */
export const BOARD_TOTALS = ["requests", "errors", "client_errors", "bytes_sent"];
/** All metrics of the board; `bench/queries.ts` measures each. */
export const BOARD_METRICS = [...BOARD_TOTALS, ...BOARD_SERIES];

/** What a board counts: the events of a dataset in a range that match the filter. */
export type Counted = {
  store: MetricReader;
  dataset: string | undefined;
  range: TimeRange;
  where: Filter;
  /** In which times without events count as 0. */
  measured?: TimeRange | undefined;
};

export type BoardQuery = (
  metric: string,
  more?: { stepMs?: number; by?: { field: string; limit: number } },
) => Promise<MetricAnswer>;

export function queryIn({ store, dataset, range, where, measured }: Counted): BoardQuery {
  const of: Condition = { field: DATASET, op: "eq", value: dataset ?? "nothing yet" };
  const { fromMs, toMs } = range;
  const known = measured ? { fromMs, toMs, measured } : { fromMs, toMs };
  return (metric, more = {}) =>
    runQuery(store, { metric, ...known, where: [of, ...where], ...more });
}

export async function measuredOf(
  store: MetricReader,
  main: Extent,
  range: TimeRange,
): Promise<TimeRange> {
  const whole = (await store.extents()).find(({ dataset }) => dataset === main.dataset);
  return measuredIn(range, main, whole ?? main);
}

export type Answers = ReadonlyMap<string, MetricAnswer["series"][number] | undefined>;

/** The points and the value of each metric. */
export async function querySeries(
  query: BoardQuery,
  metrics: readonly string[],
  stepOf: (metric: string) => number,
): Promise<Answers> {
  const answers = await Promise.all(
    metrics.map((metric) => query(metric, { stepMs: stepOf(metric) })),
  );
  return new Map(answers.map(({ metric, series }) => [metric, series[0]]));
}

/** The step of a metric's chart: events cannot answer metrics with a window in shorter steps. */
export const stepsOf =
  (stepMs: number, where: Filter) =>
  (name: string): number => {
    const metric = metricNamed(name);
    const windows = metric.source === "measured" ? metric.of.map((one) => one.windowMs ?? 0) : [];
    const windowMs = where.length > 0 ? Math.max(0, ...windows) : 0;
    return Math.max(1, Math.ceil(windowMs / stepMs)) * stepMs;
  };

export function valuesOf<T>(
  metrics: readonly string[],
  valueOf: (metric: string) => T,
): Record<string, T> {
  return Object.fromEntries(metrics.map((metric) => [metric, valueOf(metric)]));
}
