import type { Filter } from "../filter.ts";
import type { Accumulator, MeasuredMetric, RawAggregate } from "../measures/measure.ts";
import { DATASET, seriesKey } from "../measures/split-fields.ts";
import type { AggregateRequest, AggregateRow, MetricReader } from "../store/port.ts";
import type { Piece } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import type { SeriesTable } from "./series-table.ts";

/** A split that is merged from several answers is requested with additional values. */
const SURPLUS = 4;
const SPLIT_MIN = 1000;
const SPLIT_MAX = 10_000;

export type RawRequest = {
  query: MetricQuery;
  piece: Piece;
  metric: MeasuredMetric;
  /** Datasets that may have matching events. */
  datasets: readonly string[];
};

/** Counts a piece from the raw events into the table. */
export async function readRaw(
  store: MetricReader,
  request: RawRequest,
  table: SeriesTable,
): Promise<void> {
  const { by, ...unsplit } = request.query;
  if (by?.field !== DATASET) return readPart(store, { ...request, key: undefined }, table);
  // Dataset by dataset, because a measure may need its own split.
  for (const dataset of request.datasets) {
    const where: Filter = [...unsplit.where, { field: DATASET, op: "eq", value: dataset }];
    const query = { ...unsplit, where };
    await readPart(store, { ...request, query, datasets: [dataset], key: dataset }, table);
  }
}

/** `key` is the series of all rows, if it is known. */
type Part = RawRequest & { key: string | undefined };

async function readPart(store: MetricReader, part: Part, table: SeriesTable): Promise<void> {
  for (const [index, measure] of part.metric.of.entries()) {
    for (const aggregate of measure.raw(part.datasets, part.query.by?.field)) {
      await readAggregate(store, { ...part, aggregate, index }, table);
    }
  }
}

async function readAggregate(
  store: MetricReader,
  part: Part & { aggregate: RawAggregate<Accumulator>; index: number },
  table: SeriesTable,
): Promise<void> {
  const { query, piece, aggregate, key, index } = part;
  const { fromMs, toMs } = piece;
  const where = [...query.where, ...aggregate.where];
  const request: AggregateRequest = { fromMs, toMs, aggregate: aggregate.aggregate, where };
  if (query.stepMs !== undefined) request.stepMs = query.stepMs;
  const by = splitOf(query, aggregate);
  if (by) request.by = by;
  const rows = await store.aggregate(request);
  if (query.by && by) await noteMissing(store, { request, by, rows }, table);
  for (const row of rows) {
    const series = query.by ? seriesKey(query.by.field, row.by) : (key ?? null);
    if (series === "") continue;
    const into = table.at(series, query.stepMs === undefined ? query.fromMs : row.tMs)[index];
    if (into) aggregate.add(into, row);
  }
}

type SplitAnswer = {
  request: AggregateRequest;
  by: { field: string; limit: number };
  rows: readonly AggregateRow[];
};

/** Notes what the answer lacks, because it has only the most frequent names. */
async function noteMissing(
  store: MetricReader,
  { request, by, rows }: SplitAnswer,
  table: SeriesTable,
): Promise<void> {
  const missing = largestMissing(rows, by.limit);
  table.shortfallMax += missing;
  if (missing === 0) return;
  const { fromMs, toMs, where } = request;
  const aggregate = { kind: "distinct", fields: [by.field] } as const;
  const [row] = await store.aggregate({ fromMs, toMs, where, aggregate });
  table.namesAbout = Math.max(table.namesAbout, row?.value ?? 0);
}

/** The maximum count of a name that is not in the answer, which has the most frequent ones. */
function largestMissing(rows: readonly AggregateRow[], limit: number): number {
  const counts = new Map<string | null, number>();
  for (const { by, value } of rows) counts.set(by, (counts.get(by) ?? 0) + value);
  return counts.size < limit ? 0 : Math.min(...counts.values());
}

/** An aggregate's own split replaces the query's. */
function splitOf(
  { by }: MetricQuery,
  aggregate: RawAggregate<Accumulator>,
): AggregateRequest["by"] {
  if (!by || aggregate.by) return aggregate.by;
  const limit = Math.min(SPLIT_MAX, Math.max(SPLIT_MIN, by.limit * SURPLUS));
  return { field: by.field, limit };
}
