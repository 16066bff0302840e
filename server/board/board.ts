import type { z } from "zod";

import type { Board, Turnover } from "#dashboards/api.ts";
import type { Predictions } from "#forecaster/predictions.ts";
import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import type { LiveWindow } from "#pipeline/live/live-window.ts";
import { LIVE_COUNTS } from "#pipeline/measures/index.ts";
import { INSTANCE } from "#pipeline/measures/split-fields.ts";
import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { ceilTo, chartStep } from "#pipeline/metrics/planner.ts";
import { OTHER } from "#pipeline/sketches/heavy-hitters.ts";
import type { MetricReader, Extent, Hole } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";

import { checkSize } from "./board-filter.ts";
import {
  BOARD_METRICS,
  BOARD_SERIES,
  type BoardQuery,
  measuredOf,
  queryIn,
  querySeries,
  stepsOf,
  valuesOf,
} from "./board-query.ts";
import { breakDown, selectionIn, type Split, topRoutes } from "./break-down.ts";
import { type Comparing, loadComparison, shiftOf } from "./comparison.ts";
import { holesIn } from "./holes.ts";
import { sharedReads } from "./shared-reads.ts";
import { shownDatasets } from "./shown-datasets.ts";
import { chooseDataset, defaultRange, type BoardRange } from "./tier.ts";

const MINUTE_MS = 60_000;
const INSTANCES_MAX = 50;
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
  /** Only events that match are counted. */
  where: Filter;
  /** The field of the break-down. */
  by: string | undefined;
  compare: Comparing | undefined;
};

type LoadedBoard = Omit<Board, "problems" | "waitingFor" | "hints">;

/** A filtered board has no forecast, because series are forecast for whole datasets. */
const FILTERED = { status: "learning", reason: "only whole datasets are predicted" } as const;
const EMPTY = { status: "learning", reason: "no requests have been seen yet" } as const;

/** Everything that the home board shows for a range; afterwards live tiles are updated by frames only. */
export async function loadBoard(given: BoardDeps, request: BoardRequest): Promise<LoadedBoard> {
  const deps = { ...given, store: sharedReads(given.store) };
  const { store, clock } = deps;
  const { where, by, compare } = request;
  const nowMs = clock.nowMs();
  const extents = await mainExtents(store, nowMs);
  const extent = chooseDataset(extents, { requested: request.dataset, nowMs });
  const range = request.range ?? defaultRange(extent, nowMs);
  const stepMs = chartStep(range);
  const dataset = extent?.dataset;
  await checkSize({ store, dataset, range }, where, by);
  const measured = extent && (await measuredOf(store, extent, range));
  const turnoverToMs = turnoverEnd(range, extent);
  const query = queryIn({ store, dataset, range, where, measured });
  const [answers, routes, instances, quarantined, turnover, prediction, parts, comparison] =
    await Promise.all([
      querySeries(query, BOARD_METRICS, stepsOf(stepMs, where)),
      topRoutes(query),
      instancesIn(query),
      quarantinedIn(store, range, where),
      loadTurnover(deps, { extent, range: { ...range, toMs: turnoverToMs }, where }),
      predictedRequests(deps, { extent, range, where, stepMs, nowMs }),
      by === undefined
        ? null
        : brokenDown(deps.store, { extent, range, where, stepMs, measured, by, compare }),
      compare === undefined
        ? null
        : loadComparison({ store, extent, range, stepMs, where }, compare),
    ]);
  return {
    ...range,
    stepMs,
    demo: deps.demo,
    dataset: dataset ?? null,
    datasets: shownDatasets(extents, dataset),
    datasetsTotal: extents.length,
    isFiltered: where.length > 0,
    series: valuesOf(BOARD_SERIES, (metric) => answers.get(metric)?.points ?? []),
    values: valuesOf(BOARD_METRICS, (metric) => answers.get(metric)?.value ?? null),
    counts: LIVE_COUNTS.map(({ name }) => name),
    instances,
    quarantined,
    holes: holesIn(deps.holes, { range, stepMs, dataset }),
    turnover,
    turnoverToMs,
    topRoutes: routes.list,
    topRoutesShortfallMax: routes.shortfallMax,
    breakDown: parts,
    comparison,
    predictedRequestsPerSecond: prediction,
    newestEventMs: extent?.toMs ?? null,
    atMs: nowMs,
  };
}

type BrokenDown = Shown & {
  stepMs: number;
  measured: TimeRange | undefined;
  by: string;
  compare: Comparing | undefined;
};

/** The values that the filter selects do not exclude the others, so that several can be selected one by one. */
async function brokenDown(
  store: MetricReader,
  { extent, range, where, stepMs, measured, by, compare }: BrokenDown,
): Promise<Board["breakDown"]> {
  const { selected, rest } = selectionIn(where, by);
  const dataset = extent?.dataset;
  const query = queryIn({ store, dataset, range, where: rest, measured });
  const compared = compare && earlierQuery({ store, extent, range, where: rest, stepMs }, compare);
  return breakDown(query, { range, field: by, selected, compared });
}

type Shown = { extent: Extent | undefined; range: BoardRange; where: Filter };

async function predictedRequests(
  { predictions }: BoardDeps,
  { extent, range, where, stepMs, nowMs }: Shown & { stepMs: number; nowMs: number },
): Promise<Board["predictedRequestsPerSecond"]> {
  if (where.length > 0) return FILTERED;
  if (!extent) return EMPTY;
  const request = { count: "requests", per: "second", range, stepMs, asOfMs: nowMs } as const;
  return predictions.series(extent, request);
}

function earlierQuery(
  { store, extent, range, where, stepMs }: Shown & { store: MetricReader; stepMs: number },
  to: Comparing,
): Split["compared"] {
  return {
    to,
    earlierMs: shiftOf(range, stepMs, to),
    async queryIn(of) {
      const measured = extent && (await measuredOf(store, extent, of));
      return queryIn({ store, dataset: extent?.dataset, range: of, where, measured });
    },
  };
}

async function instancesIn(query: BoardQuery): Promise<string[]> {
  const { series } = await query("requests", { by: { field: INSTANCE, limit: INSTANCES_MAX } });
  return series.flatMap(({ key }) => (key === null || key === OTHER ? [] : [key]));
}

async function quarantinedIn(
  store: MetricReader,
  range: TimeRange,
  where: Filter,
): Promise<number> {
  const answer = await queryIn({ store, dataset: QUARANTINE_DATASET, range, where })("events");
  return answer.series[0]?.value ?? 0;
}

type Turnovers = z.infer<typeof Turnover>[];
type Counts = { signIns: number; signOuts: number };

/**
 * Counts end with the data unless the range is live: a time that has not come, or from which nothing was read, has no
 * counts to compare with their prediction.
 */
function turnoverEnd({ toMs, live }: BoardRange, extent: Extent | undefined): number {
  return live || !extent ? toMs : Math.min(toMs, ceilTo(extent.toMs + 1, MINUTE_MS));
}

/** Of the last minutes up to the end of the range: from the frames for a live range, otherwise from the store. */
async function loadTurnover(deps: BoardDeps, { extent, range, where }: Shown): Promise<Turnovers> {
  const { toMs } = range;
  if (toMs <= range.fromMs) return [];
  const isWhole = where.length === 0;
  const live =
    extent && range.live && isWhole ? deps.live.snapshot(extent.dataset).turnover : undefined;
  return Promise.all(
    TURNOVER_MINUTES.map(async (minutes) => {
      const fromMs = toMs - minutes * MINUTE_MS;
      const counts =
        live?.[`${minutes}`] ??
        (await countTurnover(
          queryIn({ store: deps.store, dataset: extent?.dataset, range: { fromMs, toMs }, where }),
        ));
      const [expectedSignIns, expectedSignOuts] =
        extent && isWhole
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
