import { AppError } from "#platform/errors.ts";

import { type Filter, onlyFieldOf, type TimeRange } from "../filter.ts";
import { matchesField } from "../matches.ts";
import type { MeasuredMetric } from "../measures/measure.ts";
import { DATASET, STATUS } from "../measures/split-fields.ts";
import { NAME_LIMITS, ROLLUP_LEVELS_S } from "../rollup.ts";
import { OTHER, shortfallMax } from "../sketches/heavy-hitters.ts";
import type { MetricReader, Extent } from "../store/port.ts";
import { metricNamed } from "./catalogue.ts";
import { ceilTo, floorTo, planPieces, pointsOf, rollupSource } from "./planner.ts";
import type { MetricAnswer, MetricQuery } from "./query.ts";
import { readCells } from "./read-cells.ts";
import { readRaw } from "./read-raw.ts";
import { readWindowed } from "./read-windowed.ts";
import { type Counted, mergeCounted, SeriesTable } from "./series-table.ts";

const POINTS_MAX = 10_000;
const SERIES_MAX = 10_000;
const MINUTE_MS = 60_000;
const COARSEST_FIRST = ROLLUP_LEVELS_S.toReversed();

type Reading = { metric: MeasuredMetric; query: MetricQuery; extents: readonly Extent[] };

/**
 * Runs a query: each piece of the range is read from the coarsest source that answers it exactly, and merged before any
 * ratio or quantile is computed, so that the result equals that of the raw events for any alignment.
 *
 * Points start at multiples of the step, so the first and the last may be partly outside the range; only events inside
 * count. Outside the measured range (in whole minutes) points are null; inside, a count without events is 0. A rate is also null if less than half of its step was measured, unless less than a step was measured
 * in total. Throws AppError `bad_request` on an unknown metric, an empty range, or more than POINTS_MAX points.
 */
export async function runQuery(store: MetricReader, query: MetricQuery): Promise<MetricAnswer> {
  const metric = metricNamed(query.metric);
  if (metric.source === "forecast") {
    throw new AppError("bad_request", `${metric.name}: it is predicted, not counted`);
  }
  check(metric, query);
  const extents = (await store.extents()).filter(({ dataset }) =>
    matchesField(query.where, DATASET, dataset),
  );
  const table = new SeriesTable(metric);
  if (!query.by) table.open(null);
  const from = await read(store, { metric, query, extents }, table);
  const measured = wholeMinutes(query.measured ?? rangeOf(extents));
  const { fromMs, toMs, stepMs = null } = query;
  const secondsMin = leastSeconds(metric, query, measured);
  const series = table.largest(Math.min(query.by?.limit ?? 1, SERIES_MAX));
  const shortfall = shortfallOf(metric, query, table);
  const more = query.by && moreSeries(table, series.length);
  return {
    metric: metric.name,
    unit: metric.unit,
    fromMs,
    toMs,
    stepMs,
    from,
    series: series.map(({ key, total, points }) => ({
      key,
      value: valueOver(metric, total, overlap(query, measured)),
      points: pointsIn(query, (step, tMs) => {
        const seconds = overlap(step, measured);
        return seconds < secondsMin ? null : valueOver(metric, points.get(tMs), seconds);
      }),
    })),
    ...(more ? { more } : {}),
    ...(shortfall > 0 ? { shortfallMax: shortfall } : {}),
  };
}

/** The series of a split beyond the `shown` ones, of which one may be OTHER. */
function moreSeries(table: SeriesTable, shown: number): MetricAnswer["more"] {
  const hasOther = table.sizeOf(OTHER) > 0;
  const { names, namesAbout } = table;
  const series = Math.max(names, namesAbout) - (shown - (hasOther ? 1 : 0));
  if (series <= 0) return undefined;
  const precision = hasOther ? "at_least" : namesAbout > names ? "about" : "exact";
  return { series, precision };
}

/** The maximum by which a count of a series is too small. */
function shortfallOf(metric: MeasuredMetric, { by }: MetricQuery, table: SeriesTable): number {
  if (!by) return 0;
  const other = table.sizeOf(OTHER);
  const namesMax = metric.of.flatMap(({ cells }) => {
    const source = cells.find(({ field }) => field === by.field);
    return source ? (NAME_LIMITS.get(source.measure)?.namesMax ?? []) : [];
  });
  return table.shortfallMax + shortfallMax(other, Math.min(...namesMax));
}

function check(metric: MeasuredMetric, query: MetricQuery): void {
  const { fromMs, toMs, stepMs } = query;
  const refuse = refusalOf(metric);
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs) || fromMs >= toMs) {
    throw refuse(`the range from ${fromMs} to ${toMs} is empty: \`from\` must be before \`to\``);
  }
  checkSplit(metric, query);
  if (stepMs === undefined) return;
  if (!Number.isSafeInteger(stepMs) || stepMs <= 0) {
    throw refuse(`the step ${stepMs} must be a whole number of ms above 0`);
  }
  const points = pointsOf({ fromMs, toMs }, stepMs);
  if (points > POINTS_MAX) {
    throw refuse(`${points} points are more than ${POINTS_MAX}: use a longer step`);
  }
}

function refusalOf(metric: MeasuredMetric): (reason: string) => AppError {
  return (reason) => new AppError("bad_request", `${metric.name}: ${reason}`);
}

function checkSplit(metric: MeasuredMetric, { by }: MetricQuery): void {
  if (!by) return;
  const refuse = refusalOf(metric);
  if (!Number.isInteger(by.limit) || by.limit <= 0) {
    throw refuse(`the limit ${by.limit} must be a whole number above 0`);
  }
  const splitsItself = metric.of.some((measure) =>
    measure.raw([], undefined).some((raw) => raw.by),
  );
  if (splitsItself && by.field !== DATASET) {
    throw refuse(`it cannot be split by ${by.field}, only by ${DATASET}: filter by it instead`);
  }
}

/** Rollups count an event by its first status, but a condition holds for each one. */
const needsEachNumber = (where: Filter, extents: readonly Extent[]): boolean =>
  extents.some(({ hasNumberLists }) => hasNumberLists) &&
  where.some((condition) => onlyFieldOf(condition) === STATUS);

async function read(
  store: MetricReader,
  { metric, query, extents }: Reading,
  table: SeriesTable,
): Promise<MetricAnswer["from"]> {
  const sources = metric.of.flatMap(
    (measure) => rollupSource(measure, query.where, query.by?.field) ?? [],
  );
  const inRollup = sources.length === metric.of.length && !needsEachNumber(query.where, extents);
  const windowMs = Math.max(...metric.of.map((measure) => measure.windowMs ?? 0));
  if (windowMs > 0) {
    if (inRollup) await readWindowed(store, { query, metric, sources, windowMs }, table);
    else await readRawWindowed(store, { metric, query, extents, windowMs }, table);
    return inRollup ? "rollup" : "raw";
  }
  const levels = COARSEST_FIRST.filter(
    (level) => inRollup && sources.every((source) => source.levels.includes(level)),
  );
  let from: MetricAnswer["from"] = "rollup";
  for (const piece of planPieces(query, query.stepMs, levels)) {
    const datasets = extents.filter((extent) => touches(extent, piece));
    if (datasets.length === 0) continue;
    if (piece.source !== "raw" && (await readCells(store, { query, piece, sources }, table))) {
      continue;
    }
    from = "raw";
    const names = datasets.map(({ dataset }) => dataset);
    await readRaw(store, { query, piece, metric, datasets: names }, table);
  }
  return from;
}

/**
 * Reads raw events by step, so steps below the window cannot be answered; and once more for the whole range,
 * because visitors of several steps count once.
 */
async function readRawWindowed(
  store: MetricReader,
  { metric, query, extents, windowMs }: Reading & { windowMs: number },
  table: SeriesTable,
): Promise<void> {
  const { stepMs, ...whole } = query;
  if (stepMs !== undefined && stepMs < windowMs) {
    throw new AppError(
      "bad_request",
      `${metric.name}: with this filter or split it needs a step of ${windowMs / MINUTE_MS} minutes or more`,
    );
  }
  const datasets = extents.filter((extent) => touches(extent, query));
  if (datasets.length === 0) return;
  const names = datasets.map(({ dataset }) => dataset);
  const request = { piece: { ...query, source: "raw" }, metric, datasets: names } as const;
  await readRaw(store, { ...request, query }, table);
  if (stepMs === undefined) return;
  const totals = new SeriesTable(metric);
  await readRaw(store, { ...request, query: whole }, totals);
  for (const { key, total } of totals.largest(Number.POSITIVE_INFINITY)) {
    mergeCounted(table.total(key), total);
  }
}

function touches(extent: Extent, { fromMs, toMs }: TimeRange): boolean {
  return extent.fromMs < toMs && extent.toMs >= fromMs;
}

/** From the oldest to the newest event. */
const rangeOf = (extents: readonly Extent[]): TimeRange => ({
  fromMs: Math.min(...extents.map((extent) => extent.fromMs)),
  toMs: Math.max(...extents.map((extent) => extent.toMs)),
});

const wholeMinutes = ({ fromMs, toMs }: TimeRange): TimeRange => ({
  fromMs: floorTo(fromMs, MINUTE_MS),
  toMs: ceilTo(toMs + 1, MINUTE_MS),
});

/** The overlap of two ranges in seconds; 0 or less if there is none. */
function overlap(a: TimeRange, b: TimeRange): number {
  return (Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs)) / 1000;
}

/** Seconds that must be measured for a point: half a step for a rate, if at least a step was measured in total. */
function leastSeconds(metric: MeasuredMetric, query: MetricQuery, measured: TimeRange): number {
  const stepS = (query.stepMs ?? 0) / 1000;
  return metric.unit === "1/s" && overlap(query, measured) >= stepS ? stepS / 2 : 0;
}

function valueOver(
  metric: MeasuredMetric,
  counted: Counted | undefined,
  seconds: number,
): number | null {
  if (seconds <= 0) return null;
  return metric.value(counted ?? metric.of.map((measure) => measure.open()), seconds);
}

function pointsIn(
  query: MetricQuery,
  valueAt: (step: TimeRange, tMs: number) => number | null,
): [number, number | null][] {
  const { stepMs } = query;
  if (stepMs === undefined) return [];
  const points: [number, number | null][] = [];
  for (let tMs = floorTo(query.fromMs, stepMs); tMs < query.toMs; tMs += stepMs) {
    const fromMs = Math.max(tMs, query.fromMs);
    const toMs = Math.min(tMs + stepMs, query.toMs);
    points.push([tMs, valueAt({ fromMs, toMs }, tMs)]);
  }
  return points;
}
