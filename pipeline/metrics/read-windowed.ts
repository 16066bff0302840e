import type { TimeRange } from "../filter.ts";
import type { Accumulator, CellSource, MeasuredMetric } from "../measures/measure.ts";
import type { MetricReader } from "../store/port.ts";
import { ceilTo, floorTo, planPieces } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import { readCells } from "./read-cells.ts";
import { type Counted, mergeCounted, SeriesTable } from "./series-table.ts";

const MINUTE_MS = 60_000;

export type WindowedReading = {
  query: MetricQuery;
  metric: MeasuredMetric;
  sources: readonly CellSource<Accumulator>[];
  windowMs: number;
};

/**
 * Reads a measure with a window from the cells of whole minutes: of the range, of each step, or, for steps below the
 * window, of the window that ends with the step.
 */
export async function readWindowed(
  store: MetricReader,
  { query, metric, sources, windowMs }: WindowedReading,
  table: SeriesTable,
): Promise<void> {
  const { stepMs } = query;
  const minutes = {
    fromMs: floorTo(query.fromMs, MINUTE_MS),
    toMs: ceilTo(query.toMs, MINUTE_MS),
  };
  if (stepMs === undefined || (stepMs >= windowMs && stepMs % MINUTE_MS === 0)) {
    for (const piece of planPieces(minutes, stepMs, sources[0]?.levels ?? [])) {
      await readCells(store, { query, piece, sources }, table);
    }
    return;
  }
  const lengthMs = Math.max(stepMs, windowMs);
  const byMinute = new SeriesTable(metric);
  const piece = { fromMs: minutes.fromMs - lengthMs, toMs: minutes.toMs, source: 60 } as const;
  await readCells(store, { query: { ...query, stepMs: MINUTE_MS }, piece, sources }, byMinute);
  for (const { key, points } of byMinute.largest(Number.POSITIVE_INFINITY)) {
    const total = table.total(key);
    for (const [tMs, counted] of points) {
      if (tMs >= minutes.fromMs) mergeCounted(total, counted);
    }
    for (let tMs = floorTo(query.fromMs, stepMs); tMs < query.toMs; tMs += stepMs) {
      const window = windowOf(tMs + stepMs, lengthMs, minutes);
      for (const counted of minutesIn(points, window)) mergeCounted(table.at(key, tMs), counted);
    }
  }
}

function* minutesIn(
  points: ReadonlyMap<number, Counted>,
  { fromMs, toMs }: TimeRange,
): Generator<Counted> {
  for (let minute = fromMs; minute < toMs; minute += MINUTE_MS) {
    const counted = points.get(minute);
    if (counted) yield counted;
  }
}

/** The whole minutes of the window that ends with a step, or with the range. */
function windowOf(endMs: number, windowMs: number, minutes: TimeRange): TimeRange {
  const toMs = Math.min(ceilTo(endMs, MINUTE_MS), minutes.toMs);
  return { fromMs: floorTo(toMs - windowMs, MINUTE_MS), toMs };
}
