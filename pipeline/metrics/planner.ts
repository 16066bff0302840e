import { type Condition, type Filter, onlyFieldOf, type TimeRange } from "../filter.ts";
import { matches } from "../matches.ts";
import type { Accumulator, CellSource, Measure } from "../measures/measure.ts";
import { DATASET, INSTANCE, ROUTE } from "../measures/split-fields.ts";
import type { RollupLevelS } from "../rollup.ts";

/** A part of the range, and its source: cells of a minute or an hour, or the raw events. */
export type Piece = TimeRange & { source: RollupLevelS | "raw" };

/**
 * The cells of a measure under some conditions, split by a field. Undefined if there are none, so that raw events have
 * to be counted.
 */
export function rollupSource(
  { cells }: Measure,
  where: Filter,
  by: string | undefined,
): CellSource<Accumulator> | undefined {
  const fields = new Set(where.map(onlyFieldOf));
  // A condition on several fields needs the events.
  if (fields.has(undefined)) return undefined;
  // The names of instances are not the raw values of a field, and rows without a route are in no cell of routes.
  if (fields.has(INSTANCE) || where.some(matchesRouteless)) return undefined;
  if (by !== undefined) fields.add(by);
  fields.delete(DATASET);
  const [field] = fields;
  if (field === undefined) return cells[0];
  return fields.size === 1 ? cells.find((source) => source.field === field) : undefined;
}

const matchesRouteless = (condition: Condition): boolean =>
  onlyFieldOf(condition) === ROUTE && matches({}, [condition]);

/**
 * Splits a range into pieces that cover it exactly once, each from the coarsest level that answers it exactly: a level
 * answers whole hours or minutes, and only steps that are multiples of it; the rest is read from raw events.
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

/** The finest common step with at most `pointsMax` points, otherwise a number of whole days. */
export function chooseStep(range: TimeRange, pointsMax: number): number {
  const fits = (stepMs: number) => pointsOf(range, stepMs) <= Math.max(1, pointsMax);
  const dayMs = 24 * HOUR_MS;
  const step = STEPS_MS.find(fits);
  if (step !== undefined) return step;
  const days = Math.ceil((range.toMs - range.fromMs) / (Math.max(1, pointsMax) * dayMs));
  return fits(days * dayMs) ? days * dayMs : (days + 1) * dayMs;
}

const CHART_POINTS_MAX = 240;

/** The step of a chart of the range: whole minutes from half an hour on, because rollups have minutes. */
export function chartStep(range: TimeRange): number {
  const stepMs = chooseStep(range, CHART_POINTS_MAX);
  return range.toMs - range.fromMs < 30 * MINUTE_MS ? stepMs : Math.max(stepMs, MINUTE_MS);
}

/** The number of points of a range; they start at multiples of the step. */
export function pointsOf({ fromMs, toMs }: TimeRange, stepMs: number): number {
  return toMs > fromMs ? Math.ceil(toMs / stepMs) - Math.floor(fromMs / stepMs) : 0;
}

export function floorTo(ms: number, unitMs: number): number {
  return Math.floor(ms / unitMs) * unitMs;
}

export function ceilTo(ms: number, unitMs: number): number {
  return Math.ceil(ms / unitMs) * unitMs;
}
