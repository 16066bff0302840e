import type { z } from "zod";

import type { Board, Turnover } from "#dashboards/api.ts";
import type { Predictions } from "#forecaster/predictions.ts";
import type { Condition, TimeRange } from "#pipeline/filter.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/ingest.ts";
import type { LiveWindow } from "#pipeline/live/live-window.ts";
import type { MetricAnswer } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import type { EventStore, Extent } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";

import { sharedReads } from "./shared-reads.ts";
import { boardStep } from "./step.ts";
import { chooseDataset, defaultRange, type BoardRange } from "./tier.ts";

const MINUTE_MS = 60_000;
const TOP_ROUTES = 10;
const TURNOVER_MINUTES = [5, 15, 60] as const;

export type BoardDeps = {
  store: EventStore;
  predictions: Predictions;
  live: LiveWindow;
  clock: Clock;
  demo: boolean;
};

export type BoardRequest = {
  range: BoardRange | undefined;
  dataset: string | undefined;
};

type Answers = Record<string, MetricAnswer>;
type Points = [number, number | null][];

/** All that the home board shows of a range, in one answer; live tiles go on from it by frames alone. */
export async function loadBoard(given: BoardDeps, request: BoardRequest): Promise<Board> {
  const deps = { ...given, store: sharedReads(given.store) };
  const nowMs = deps.clock.nowMs();
  const extents = await deps.store.extents();
  const extent = chooseDataset(extents, request.dataset);
  const range = request.range ?? defaultRange(extent, nowMs);
  const stepMs = boardStep(range);
  const ask = asker(deps.store, extent?.dataset, range);
  const [answers, routes, names, quarantined, turnover, prediction] = await Promise.all([
    askSeries(ask, stepMs),
    topRoutes(ask),
    ask("requests", { by: { field: "service.node.name", limit: 50 } }),
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
  const value = (metric: string): number | null => answers[metric]?.series[0]?.value ?? null;
  return {
    ...range,
    stepMs,
    demo: deps.demo,
    dataset: extent?.dataset ?? null,
    datasets: extents,
    totals: {
      requests: value("requests") ?? 0,
      errors: value("errors") ?? 0,
      bytes: value("bytes_sent") ?? 0,
      quarantined,
    },
    ...seriesOf(answers, names),
    summary: {
      requestsPerSecond: value("requests_per_second"),
      errorRatio: value("error_ratio"),
      p50Ms: value("response_time_p50"),
      p95Ms: value("response_time_p95"),
      p99Ms: value("response_time_p99"),
      usersConnected: value("users_connected"),
      instances: value("instances_running"),
    },
    turnover,
    topRoutes: routes,
    predictedRequestsPerSecond: prediction,
    newestEventMs: extent?.toMs ?? null,
    atMs: nowMs,
  };
}

type SeriesOfBoard = Pick<
  Board,
  | "requestsPerSecond"
  | "errorRatio"
  | "responseTimeMs"
  | "usersConnected"
  | "instances"
  | "signIns"
  | "signOuts"
>;

function seriesOf(answers: Answers, names: MetricAnswer): SeriesOfBoard {
  const points = (metric: string): Points => answers[metric]?.series[0]?.points ?? [];
  return {
    requestsPerSecond: points("requests_per_second"),
    errorRatio: points("error_ratio"),
    responseTimeMs: {
      p50: points("response_time_p50"),
      p95: points("response_time_p95"),
      p99: points("response_time_p99"),
    },
    usersConnected: points("users_connected"),
    instances: {
      series: points("instances_running"),
      names: names.series.flatMap(({ key }) => (key === null ? [] : [key])),
    },
    signIns: points("sign_ins"),
    signOuts: points("sign_outs"),
  };
}

/** What the board shows as series; `bench/queries.ts` measures each. */
export const BOARD_SERIES = [
  "requests",
  "errors",
  "bytes_sent",
  "requests_per_second",
  "error_ratio",
  "response_time_p50",
  "response_time_p95",
  "response_time_p99",
  "users_connected",
  "instances_running",
  "sign_ins",
  "sign_outs",
] as const;

type Ask = (
  metric: string,
  more?: { stepMs?: number; by?: { field: string; limit: number }; where?: Condition[] },
) => Promise<MetricAnswer>;

function asker(store: EventStore, dataset: string | undefined, range: TimeRange): Ask {
  const of: Condition[] = [
    { field: "data_stream.dataset", op: "eq", value: dataset ?? "nothing yet" },
  ];
  const { fromMs, toMs } = range;
  return (metric, { where = [], ...more } = {}) =>
    runQuery(store, { metric, fromMs, toMs, where: [...of, ...where], ...more });
}

async function askSeries(ask: Ask, stepMs: number): Promise<Answers> {
  const answers = await Promise.all(BOARD_SERIES.map((metric) => ask(metric, { stepMs })));
  return Object.fromEntries(answers.map((answer) => [answer.metric, answer]));
}

async function topRoutes(ask: Ask): Promise<Board["topRoutes"]> {
  const by = { field: "http.route", limit: TOP_ROUTES };
  const requests = await ask("requests", { by });
  if (requests.series.length === 0) return [];
  const [errors, p95] = await Promise.all([
    ask("errors", { by: { ...by, limit: 1_000 } }),
    ask("response_time_p95", { by }),
  ]);
  return requests.series.flatMap(({ key, value }) =>
    key === null
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
}

const valueOf = (answer: MetricAnswer, key: string): number | null =>
  answer.series.find((series) => series.key === key)?.value ?? null;

async function quarantinedIn(store: EventStore, range: TimeRange): Promise<number> {
  const answer = await asker(store, QUARANTINE_DATASET, range)("events");
  return answer.series[0]?.value ?? 0;
}

type Turnovers = z.infer<typeof Turnover>[];
type Counts = { signIns: number; signOuts: number };

/** Live, what the frames count; else what the store has of the last whole minutes of the range. */
async function loadTurnover(
  deps: BoardDeps,
  extent: Extent | undefined,
  range: BoardRange,
): Promise<Turnovers> {
  const toMs = range.live ? range.toMs : Math.ceil(range.toMs / MINUTE_MS) * MINUTE_MS;
  const live = extent && range.live ? deps.live.snapshot(extent.dataset).turnover : undefined;
  return Promise.all(
    TURNOVER_MINUTES.map(async (minutes) => {
      const fromMs = toMs - minutes * MINUTE_MS;
      const counts =
        live?.[`${minutes}`] ??
        (await countTurnover(asker(deps.store, extent?.dataset, { fromMs, toMs })));
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

async function countTurnover(ask: Ask): Promise<Counts> {
  const [signIns, signOuts] = await Promise.all([ask("sign_ins"), ask("sign_outs")]);
  return {
    signIns: signIns.series[0]?.value ?? 0,
    signOuts: signOuts.series[0]?.value ?? 0,
  };
}
