import type { Board } from "#dashboards/api.ts";
import type { Condition, Filter, TimeRange } from "#pipeline/filter.ts";
import { INSTANCE, ROUTE } from "#pipeline/measures/split-fields.ts";
import { chooseStep } from "#pipeline/metrics/planner.ts";
import type { MetricAnswer } from "#pipeline/metrics/query.ts";
import { OTHER } from "#pipeline/sketches/heavy-hitters.ts";

import type { BoardQuery } from "./board-query.ts";
import { type Comparing, shiftOf } from "./comparison.ts";

const TOP_ROUTES = 10;
const VALUES_SHOWN = 10;
/** Values that are counted, to tell how many are not shown. */
const VALUES_COUNTED = 1_000;
/** Fewer points than the other charts have, because there are as many series as values. */
const POINTS_MAX = 60;

type TopRoutes = { list: Board["topRoutes"]; shortfallMax: number };

export async function topRoutes(query: BoardQuery): Promise<TopRoutes> {
  const by = { field: ROUTE, limit: TOP_ROUTES };
  const requests = await query("requests", { by });
  if (requests.series.length === 0) return { list: [], shortfallMax: 0 };
  const [errors, p95] = await Promise.all([
    query("errors", { by: { ...by, limit: VALUES_COUNTED } }),
    query("response_time_p95", { by }),
  ]);
  const list = namedSeries(requests).map(({ key, value }) => ({
    route: key,
    requests: value ?? 0,
    errors: among(value, errors, key),
    p95Ms: valueIn(p95, key),
  }));
  return { list, shortfallMax: requests.shortfallMax ?? 0 };
}

type BreakDown = NonNullable<Board["breakDown"]>;
type Value = BreakDown["values"][number];

export type Split = {
  range: TimeRange;
  field: string;
  selected: readonly string[];
  /** The compared period is so much earlier; `queryIn` is the query of a range. */
  compared:
    | { to: Comparing; earlierMs: number; queryIn(range: TimeRange): Promise<BoardQuery> }
    | undefined;
};

/** The values of a field that a filter selects, and the filter without that selection. */
export function selectionIn(
  where: Filter,
  field: string | undefined,
): { selected: readonly string[]; rest: Filter } {
  const rest = where.filter((condition) => valuesOf(condition, field) === undefined);
  return { selected: where.flatMap((condition) => valuesOf(condition, field) ?? []), rest };
}

/** The values of `field:a` or `field:(a OR b)`; undefined for other conditions. */
function valuesOf(condition: Condition, field: string | undefined): string[] | undefined {
  if (condition.op === "eq")
    return condition.field === field ? [String(condition.value)] : undefined;
  if (condition.op !== "or") return undefined;
  const values = condition.of.map(([only, ...more]) =>
    only === undefined || more.length > 0 ? undefined : valuesOf(only, field),
  );
  return values.includes(undefined) ? undefined : values.flatMap((it) => it ?? []);
}

/**
 * Requests by the values of a field, or all events where there are no requests: the most frequent values, and the selected
 * ones.
 */
export async function breakDown(query: BoardQuery, split: Split): Promise<BreakDown> {
  const { range, field } = split;
  const stepMs = chooseStep(range, POINTS_MAX);
  const by = { field, limit: VALUES_COUNTED };
  const [requests, rates] = await Promise.all([
    query("requests", { by, stepMs }),
    query("requests_per_second", { by, stepMs }),
  ]);
  const isOfRequests = namedSeries(requests).length > 0;
  const of = isOfRequests ? "requests" : "events";
  const counted = isOfRequests ? requests : await query("events", { by, stepMs });
  const comparedOf = await comparedValues(split, { of, stepMs });
  const pointsOf = new Map(rates.series.map(({ key, points }) => [key, points]));
  // Instances have names from several fields, by which errors and durations are not stored.
  const hasMore = isOfRequests && field !== INSTANCE;
  const [errors, clientErrors, p95] = hasMore
    ? await Promise.all([
        query("errors", { by }),
        query("client_errors", { by }),
        query("response_time_p95", { by }),
      ])
    : [];
  const all = namedSeries(counted);
  const shown = all.filter(({ key }, at) => at < VALUES_SHOWN || split.selected.includes(key));
  return {
    field,
    of,
    stepMs,
    values: shown.map(({ key, value, points }) => ({
      value: key,
      count: value ?? 0,
      errors: errors ? among(value, errors, key) : null,
      clientErrors: clientErrors ? among(value, clientErrors, key) : null,
      p95Ms: p95 ? valueIn(p95, key) : null,
      points: pointsOf.get(key) ?? perSecond(points, stepMs),
      compared: comparedOf(key),
    })),
    more: all.length - shown.length,
    isMoreExact: all.length < VALUES_COUNTED,
  };
}

/** Counts and rates of each value in the compared period, with the times of the shown range. */
async function comparedValues(
  { range, field, compared }: Split,
  { of, stepMs }: Pick<BreakDown, "of" | "stepMs">,
): Promise<(value: string) => Value["compared"]> {
  if (!compared) return () => null;
  const { to, earlierMs, queryIn } = compared;
  const by = { field, limit: VALUES_COUNTED };
  const shiftMs = shiftOf(range, stepMs, to);
  const isRate = of === "requests";
  const [whole, shifted] = await Promise.all([
    queryIn(earlier(range, earlierMs)),
    queryIn(earlier(range, shiftMs)),
  ]);
  const [counts, series] = await Promise.all([
    whole(of, { by }),
    shifted(isRate ? "requests_per_second" : of, { by, stepMs }),
  ]);
  const pointsOf = new Map(
    series.series.map(({ key, points }) => [key, isRate ? points : perSecond(points, stepMs)]),
  );
  return (value) => ({
    count: valueIn(counts, value) ?? 0,
    points: (pointsOf.get(value) ?? []).map(([tMs, rate]) => [tMs + shiftMs, rate]),
  });
}

const earlier = ({ fromMs, toMs }: TimeRange, byMs: number): TimeRange => ({
  fromMs: fromMs - byMs,
  toMs: toMs - byMs,
});

type Points = Value["points"];

const perSecond = (points: Points, stepMs: number): Points =>
  points.map(([tMs, count]) => [tMs, count && (count * 1000) / stepMs]);

function namedSeries({ series }: MetricAnswer) {
  return series.flatMap(({ key, ...one }) =>
    key === null || key === OTHER ? [] : [{ key, ...one }],
  );
}

/** How many of these requests are counted in the answer, which was read a moment later. */
const among = (requests: number | null, answer: MetricAnswer, key: string): number =>
  Math.min(requests ?? 0, valueIn(answer, key) ?? 0);

const valueIn = (answer: MetricAnswer, key: string): number | null =>
  answer.series.find((series) => series.key === key)?.value ?? null;
