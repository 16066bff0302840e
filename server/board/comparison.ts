import type { Board } from "#dashboards/api.ts";
import type { Filter, TimeRange } from "#pipeline/filter.ts";
import type { Extent, MetricReader } from "#pipeline/store/port.ts";

import {
  BOARD_TOTALS,
  measuredOf,
  queryIn,
  querySeries,
  stepsOf,
  valuesOf,
} from "./board-query.ts";
import type { BoardRange } from "./tier.ts";

export type Comparing = "previous" | "week";

const WEEK_MS = 7 * 24 * 3_600_000;
const COMPARED = [
  "requests_per_second",
  "error_ratio",
  "client_error_ratio",
  "response_time_p95",
  "users_connected",
  "sign_ins",
  "sign_outs",
];

type Request = {
  store: MetricReader;
  extent: Extent | undefined;
  range: BoardRange;
  stepMs: number;
  where: Filter;
};

/** How far back the compared period is: a multiple of the step, so that its points are at the same times. */
export function shiftOf({ fromMs, toMs }: TimeRange, stepMs: number, to: Comparing): number {
  return to === "week" ? WEEK_MS : Math.ceil((toMs - fromMs) / stepMs) * stepMs;
}

/**
 * The same metrics in the compared period, with the times of the shown range. For a live board also what follows, as
 * its range moves on and shows a part of the future.
 */
export async function loadComparison(
  request: Request,
  to: Comparing,
): Promise<NonNullable<Board["comparison"]>> {
  const { store, extent, range, stepMs, where } = request;
  const shiftMs = shiftOf(range, stepMs, to);
  const then = { fromMs: range.fromMs - shiftMs, toMs: range.toMs - shiftMs };
  const isFollowed = range.live && where.length === 0;
  const lengthMs = range.toMs - range.fromMs;
  const reach = { ...then, toMs: Math.min(then.toMs + (isFollowed ? lengthMs : 0), range.toMs) };
  const measured = extent && (await measuredOf(store, extent, reach));
  const of = { store, dataset: extent?.dataset, where };
  const [series, totals] = await Promise.all([
    querySeries(queryIn({ ...of, range: reach, measured }), COMPARED, stepsOf(stepMs, where)),
    Promise.all(BOARD_TOTALS.map((metric) => queryIn({ ...of, range: then })(metric))),
  ]);
  const values = new Map(totals.map(({ metric, series: [only] }) => [metric, only?.value ?? null]));
  return {
    ...then,
    to,
    series: valuesOf(COMPARED, (metric) =>
      (series.get(metric)?.points ?? []).map(([tMs, value]) => [tMs + shiftMs, value]),
    ),
    values: valuesOf(BOARD_TOTALS, (metric) => values.get(metric) ?? null),
  };
}
