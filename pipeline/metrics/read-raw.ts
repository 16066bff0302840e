import type { Filter } from "../filter.ts";
import { instanceName, STATUS_END } from "../live/request.ts";
import type { AggregateRequest, EventStore } from "../store/port.ts";
import type { Component } from "./measures.ts";
import { DATASET, INSTANCE, LEVEL, type Piece, STATUS } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import { isInstanceSplit, type RawAsk, rawAsks, requestsByInstance } from "./raw-asks.ts";
import { UNKNOWN } from "./read-cells.ts";
import type { SeriesTable } from "./series-table.ts";

/** A split that is merged from several answers is asked for with more values than are wanted. */
const SURPLUS = 4;
const SPLIT_MIN = 1000;
const SPLIT_MAX = 10_000;

export type RawRequest = {
  query: MetricQuery;
  piece: Piece;
  components: readonly Component[];
  /** Datasets that may have events that match. */
  datasets: readonly string[];
};

/** Counts a piece from the raw events into the table. */
export async function readRaw(
  store: EventStore,
  request: RawRequest,
  table: SeriesTable,
): Promise<void> {
  const { by, ...unsplit } = request.query;
  if (by?.field !== DATASET) return readPart(store, { ...request, key: undefined }, table);
  // Dataset by dataset: then it is known what a request is, and a component may have a split of its own.
  for (const dataset of request.datasets) {
    const where: Filter = [...unsplit.where, { field: DATASET, op: "eq", value: dataset }];
    const query = { ...unsplit, where };
    await readPart(store, { ...request, query, datasets: [dataset], key: dataset }, table);
  }
}

/** `key` is the series of all rows, where it is known. */
type Part = RawRequest & { key: string | undefined };

async function readPart(store: EventStore, part: Part, table: SeriesTable): Promise<void> {
  const by = part.query.by?.field;
  for (const component of part.components) {
    const asks = isInstanceSplit(component, by)
      ? requestsByInstance(part.datasets)
      : rawAsks(component, part.datasets);
    for (const ask of asks) await readAsk(store, { ...part, ask }, table);
  }
}

async function readAsk(
  store: EventStore,
  { query, piece, ask, key }: Part & { ask: RawAsk },
  table: SeriesTable,
): Promise<void> {
  const { fromMs, toMs } = piece;
  const where = [...query.where, ...ask.where];
  const request: AggregateRequest = { fromMs, toMs, aggregate: ask.aggregate, where };
  if (query.stepMs !== undefined) request.stepMs = query.stepMs;
  const by = splitOf(query, ask);
  if (by) request.by = by;
  for (const row of await store.aggregate(request)) {
    const series = query.by ? seriesKey(query.by.field, row.by) : (key ?? null);
    if (series === "") continue;
    ask.add(table.at(series, query.stepMs === undefined ? query.fromMs : row.tMs), row);
  }
}

/** A component that is split by itself is not split by the query but by instance. */
function splitOf({ by }: MetricQuery, ask: RawAsk): AggregateRequest["by"] {
  if (!by || ask.by) return ask.by;
  const limit = Math.min(SPLIT_MAX, Math.max(SPLIT_MIN, by.limit * SURPLUS));
  return { field: by.field, limit };
}

/** The series that a value of the split belongs to, as the rollup has it; empty: none. */
function seriesKey(field: string, value: string | null): string {
  if (field === STATUS) return value !== null && Number(value) < STATUS_END ? value : UNKNOWN;
  if (field === LEVEL) return value || UNKNOWN;
  return field === INSTANCE ? instanceName(value ?? "") : (value ?? "");
}
