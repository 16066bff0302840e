import type { Condition, Filter, TimeRange } from "../filter.ts";
import type { Measure, RollupLevelS } from "../rollup.ts";
import type { Component } from "./measures.ts";

export const DATASET = "data_stream.dataset";
export const STATUS = "http.response.status_code";
export const ROUTE = "http.route";
export const LEVEL = "log.level";
/** Splitting by it splits by the instance, whichever field names it. */
export const INSTANCE = "service.node.name";

/** A stretch of the range, and what it is read from: cells of a minute or an hour, or the raw events. */
export type Piece = TimeRange & { source: RollupLevelS | "raw" };

/** Which measure of the rollup a component is in, and at which levels, coarsest first. */
export type RollupSource = { measure: Measure; levels: readonly RollupLevelS[] };

const BOTH_LEVELS: readonly RollupLevelS[] = [3600, 60];
const HOURS: readonly RollupLevelS[] = [3600];

const MEASURE_OF: Record<Component, Measure> = {
  requests: "requests",
  errors: "requests",
  latency: "latency",
  bytes: "bytes",
  signIns: "sign-in",
  signOuts: "sign-out",
  users: "users",
  instances: "instance",
  cache: "cache",
  events: "events",
};

/** What else than the dataset a component can be filtered or split by, and the measure that has it apart. */
const APART: Partial<Record<Component, Record<string, RollupSource>>> = {
  requests: {
    [STATUS]: { measure: "requests", levels: BOTH_LEVELS },
    [ROUTE]: { measure: "route", levels: HOURS },
    [INSTANCE]: { measure: "instance", levels: BOTH_LEVELS },
  },
  errors: {
    [STATUS]: { measure: "requests", levels: BOTH_LEVELS },
    [ROUTE]: { measure: "route", levels: HOURS },
  },
  events: { [LEVEL]: { measure: "events", levels: BOTH_LEVELS } },
};

/**
 * Where the rollup has a component under some conditions, split by a field. Undefined: the rollup cannot tell, so that
 * the raw events have to be counted.
 */
export function rollupSource(
  component: Component,
  where: Filter,
  by: string | undefined,
): RollupSource | undefined {
  const fields = new Set(where.map(({ field }) => field));
  // A field's raw values are not the names of instances, and rows without a route have no cell that tells of them.
  if (fields.has(INSTANCE) || where.some(asksForRouteless)) return undefined;
  if (by !== undefined) fields.add(by);
  fields.delete(DATASET);
  const [field] = fields;
  if (field === undefined) return { measure: MEASURE_OF[component], levels: BOTH_LEVELS };
  return fields.size === 1 ? APART[component]?.[field] : undefined;
}

function asksForRouteless({ field, op }: Condition): boolean {
  return field === ROUTE && (op === "ne" || op === "not_like" || op === "missing");
}

/**
 * Cuts a range into pieces that cover it exactly once, each from the coarsest level that serves it exactly: a level
 * serves whole hours or minutes, and only steps that its cells do not straddle; the rest is raw.
 */
export function planPieces(
  range: TimeRange,
  stepMs: number | undefined,
  levels: readonly RollupLevelS[],
): Piece[] {
  if (range.fromMs >= range.toMs) return [];
  const usable = levels.filter((level) => stepMs === undefined || stepMs % (level * 1000) === 0);
  const [level, ...finer] = usable;
  if (level === undefined) return [{ ...range, source: "raw" }];
  const first = ceilTo(range.fromMs, level * 1000);
  const last = floorTo(range.toMs, level * 1000);
  if (first >= last) return planPieces(range, stepMs, finer);
  return [
    ...planPieces({ fromMs: range.fromMs, toMs: first }, stepMs, finer),
    { fromMs: first, toMs: last, source: level },
    ...planPieces({ fromMs: last, toMs: range.toMs }, stepMs, finer),
  ];
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const STEPS_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  24 * HOUR_MS,
];

/** The finest step of the usual ones that makes at most so many points of the range; else so many whole days. */
export function chooseStep(range: TimeRange, pointsMax: number): number {
  const fits = (stepMs: number) => pointsOf(range, stepMs) <= Math.max(1, pointsMax);
  const dayMs = 24 * HOUR_MS;
  const step = STEPS_MS.find(fits);
  if (step !== undefined) return step;
  const days = Math.ceil((range.toMs - range.fromMs) / (Math.max(1, pointsMax) * dayMs));
  return fits(days * dayMs) ? days * dayMs : (days + 1) * dayMs;
}

/** How many points a range has: they start at multiples of the step. */
export function pointsOf({ fromMs, toMs }: TimeRange, stepMs: number): number {
  return toMs > fromMs ? Math.ceil(toMs / stepMs) - Math.floor(fromMs / stepMs) : 0;
}

export function floorTo(ms: number, unitMs: number): number {
  return Math.floor(ms / unitMs) * unitMs;
}

export function ceilTo(ms: number, unitMs: number): number {
  return Math.ceil(ms / unitMs) * unitMs;
}
