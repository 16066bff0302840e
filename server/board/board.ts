import type { z } from "zod";

import type { Board, Turnover } from "#dashboards/api.ts";
import type { Predictions } from "#forecaster/predictions.ts";
import type { Condition, TimeRange } from "#pipeline/filter.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import type { LiveWindow } from "#pipeline/live/live-window.ts";
import { LIVE_COUNTS } from "#pipeline/measures/index.ts";
import { mainExtents, measuredIn } from "#pipeline/metrics/main-extents.ts";
import { chartStep } from "#pipeline/metrics/planner.ts";
import type { MetricAnswer } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import { OTHER } from "#pipeline/sketches/heavy-hitters.ts";
import type { MetricReader, Extent, Hole } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";

import { holesIn } from "./holes.ts";
import { sharedReads } from "./shared-reads.ts";
import { shownDatasets } from "./shown-datasets.ts";
import { chooseDataset, defaultRange, type BoardRange } from "./tier.ts";

const MINUTE_MS = 60_000;
const TOP_ROUTES = 10;
const TURNOVER_MINUTES = [5, 15, 60] as const;

export type BoardDeps = {
  store: MetricReader;
  /** Stored events that cannot be read. */
  holes: readonly Hole[];
  predictions: Predictions;
  live: LiveWindow;
  clock: Clock;
  demo: boolean;
};

export type BoardRequest = {
  range: BoardRange | undefined;
  dataset: string | undefined;
};

type LoadedBoard = Omit<Board, "problems">;

type Answers = ReadonlyMap<string, MetricAnswer["series"][number] | undefined>;

/** Everything that the home board shows for a range; afterwards live tiles are updated by frames only. */
export async function loadBoard(given: BoardDeps, request: BoardRequest): Promise<LoadedBoard> {
  const deps = { ...given, store: sharedReads(given.store) };
  const nowMs = deps.clock.nowMs();
  const extents = await mainExtents(deps.store, nowMs);
  const extent = chooseDataset(extents, { requested: request.dataset, nowMs });
  const range = request.range ?? defaultRange(extent, nowMs);
  const stepMs = chartStep(range);
  const measured = extent && (await measuredOf(deps.store, extent, range));
  const query = queryIn(deps.store, extent?.dataset, { ...range, measured });
  const [answers, routes, names, quarantined, turnover, prediction] = await Promise.all([
    querySeries(query, stepMs),
    topRoutes(query),
    query("requests", { by: { field: "service.node.name", limit: 50 } }),
    quarantinedIn(deps.store, range),
    loadTurnover(deps, extent, range),
    extent
      ? deps.predictions.series(extent, {
          count: "requests",
          per: "second",
          range,
          stepMs,
          asOfMs: nowMs,
        })
      : ({ status: "learning", reason: "no requests have been seen yet" } as const),
  ]);
  return {
    ...range,
    stepMs,
    demo: deps.demo,
    dataset: extent?.dataset ?? null,
    datasets: shownDatasets(extents, extent?.dataset),
    datasetsTotal: extents.length,
    series: valuesOf(BOARD_SERIES, (metric) => answers.get(metric)?.points ?? []),
    values: valuesOf(BOARD_METRICS, (metric) => answers.get(metric)?.value ?? null),
    counts: LIVE_COUNTS.map(({ name }) => name),
    instances: names.series.flatMap(({ key }) => (key === null || key === OTHER ? [] : [key])),
    quarantined,
    holes: holesIn(deps.holes, { range, stepMs, dataset: extent?.dataset }),
    turnover,
    turnoverToMs: range.toMs,
    topRoutes: routes.list,
    topRoutesShortfallMax: routes.shortfallMax,
    predictedRequestsPerSecond: prediction,
    newestEventMs: extent?.toMs ?? null,
    atMs: nowMs,
  };
}

function valuesOf<T>(
  metrics: readonly string[],
  valueOf: (metric: string) => T,
): Record<string, T> {
  return Object.fromEntries(metrics.map((metric) => [metric, valueOf(metric)]));
}

/** Metrics that the board shows as charts. */
const BOARD_SERIES = [
  "requests_per_second",
  "error_ratio",
  "response_time_p50",
  "response_time_p95",
  "response_time_p99",
  "users_connected",
  "instances_running",
  "sign_ins",
  "sign_outs",
];

/** All metrics of the board, including those shown only as totals; `bench/queries.ts` measures each. */
export const BOARD_METRICS = ["requests", "errors", "bytes_sent", ...BOARD_SERIES];

type BoardQuery = (
  metric: string,
  more?: { stepMs?: number; by?: { field: string; limit: number }; where?: Condition[] },
) => Promise<MetricAnswer>;

async function measuredOf(store: MetricReader, main: Extent, range: TimeRange): Promise<TimeRange> {
  const whole = (await store.extents()).find(({ dataset }) => dataset === main.dataset);
  return measuredIn(range, main, whole ?? main);
}

function queryIn(
  store: MetricReader,
  dataset: string | undefined,
  range: TimeRange & { measured?: TimeRange | undefined },
): BoardQuery {
  const of: Condition[] = [
    { field: "data_stream.dataset", op: "eq", value: dataset ?? "nothing yet" },
  ];
  const { fromMs, toMs, measured } = range;
  const known = measured ? { fromMs, toMs, measured } : { fromMs, toMs };
  return (metric, { where = [], ...more } = {}) =>
    runQuery(store, { metric, ...known, where: [...of, ...where], ...more });
}

async function querySeries(query: BoardQuery, stepMs: number): Promise<Answers> {
  const answers = await Promise.all(BOARD_METRICS.map((metric) => query(metric, { stepMs })));
  return new Map(answers.map(({ metric, series }) => [metric, series[0]]));
}

type TopRoutes = { list: Board["topRoutes"]; shortfallMax: number };

async function topRoutes(query: BoardQuery): Promise<TopRoutes> {
  const by = { field: "http.route", limit: TOP_ROUTES };
  const requests = await query("requests", { by });
  if (requests.series.length === 0) return { list: [], shortfallMax: 0 };
  const [errors, p95] = await Promise.all([
    query("errors", { by: { ...by, limit: 1_000 } }),
    query("response_time_p95", { by }),
  ]);
  const list = requests.series.flatMap(({ key, value }) =>
    key === null || key === OTHER
      ? []
      : [
          {
            route: key,
            requests: value ?? 0,
            errors: valueOf(errors, key) ?? 0,
            p95Ms: valueOf(p95, key),
          },
        ],
  );
  return { list, shortfallMax: requests.shortfallMax ?? 0 };
}

const valueOf = (answer: MetricAnswer, key: string): number | null =>
  answer.series.find((series) => series.key === key)?.value ?? null;

async function quarantinedIn(store: MetricReader, range: TimeRange): Promise<number> {
  const answer = await queryIn(store, QUARANTINE_DATASET, range)("events");
  return answer.series[0]?.value ?? 0;
}

type Turnovers = z.infer<typeof Turnover>[];
type Counts = { signIns: number; signOuts: number };

/** Of the last minutes up to the end of the range: from the frames for a live range, otherwise from the store. */
async function loadTurnover(
  deps: BoardDeps,
  extent: Extent | undefined,
  range: BoardRange,
): Promise<Turnovers> {
  const { toMs } = range;
  const live = extent && range.live ? deps.live.snapshot(extent.dataset).turnover : undefined;
  return Promise.all(
    TURNOVER_MINUTES.map(async (minutes) => {
      const fromMs = toMs - minutes * MINUTE_MS;
      const counts =
        live?.[`${minutes}`] ??
        (await countTurnover(queryIn(deps.store, extent?.dataset, { fromMs, toMs })));
      const [expectedSignIns, expectedSignOuts] = extent
        ? await Promise.all([
            deps.predictions.expected("sign_ins", extent, { minutes, nowMs: toMs }),
            deps.predictions.expected("sign_outs", extent, { minutes, nowMs: toMs }),
          ])
        : [null, null];
      return { minutes, ...counts, expectedSignIns, expectedSignOuts };
    }),
  );
}

async function countTurnover(query: BoardQuery): Promise<Counts> {
  const [signIns, signOuts] = await Promise.all([query("sign_ins"), query("sign_outs")]);
  return {
    signIns: signIns.series[0]?.value ?? 0,
    signOuts: signOuts.series[0]?.value ?? 0,
  };
}
