import { parseRouteKey } from "../live/cell-fold.ts";
import { ERROR_STATUS_MIN } from "../live/request.ts";
import { matchesField } from "../matches.ts";
import type { CellsRequest, EventStore, MergedCell } from "../store/port.ts";
import type { Component, Measures } from "./measures.ts";
import { DATASET, INSTANCE, LEVEL, type Piece, ROUTE, STATUS } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import type { SeriesTable } from "./series-table.ts";

/** The key of the series of events whose status or level is not known. */
export const UNKNOWN = "unknown";

/** What a component reads: the cells of one measure. */
export type CellsAsk = { component: Component; measure: MergedCell["measure"] };

/** Adds the rollup cells of a piece to the table. */
export async function readCells(
  store: EventStore,
  ask: { query: MetricQuery; piece: Piece; asks: readonly CellsAsk[] },
  table: SeriesTable,
): Promise<void> {
  const { query, piece, asks } = ask;
  if (piece.source === "raw") throw new Error("raw events are not in cells");
  const request: CellsRequest = {
    fromMs: piece.fromMs,
    toMs: piece.toMs,
    levelS: piece.source,
    measures: [...new Set(asks.map(({ measure }) => measure))],
  };
  if (query.stepMs !== undefined) request.stepMs = query.stepMs;
  const dataset = onlyDataset(query);
  if (dataset !== undefined) request.dataset = dataset;
  for (const cell of await store.cells(request)) {
    if (!isWanted(cell, query)) continue;
    const key = seriesKey(cell, query.by?.field);
    if (key === "") continue;
    const measures = table.at(key, query.stepMs === undefined ? query.fromMs : cell.tMs);
    for (const { component, measure } of asks) {
      if (measure === cell.measure) ADD_CELL[component](measures, cell);
    }
  }
}

/** The only dataset that the conditions allow, if one does: the store reads less then. */
function onlyDataset({ where }: MetricQuery): string | undefined {
  const only = where.find(({ field, op }) => field === DATASET && op === "eq");
  return only && "value" in only ? String(only.value) : undefined;
}

function isWanted({ dataset, measure, key }: MergedCell, { where }: MetricQuery): boolean {
  if (!matchesField(where, DATASET, dataset)) return false;
  if (measure === "requests") return matchesField(where, STATUS, key);
  if (measure === "events") return matchesField(where, LEVEL, key);
  return measure !== "route" || matchesField(where, ROUTE, parseRouteKey(key).route);
}

function seriesKey({ dataset, measure, key }: MergedCell, by: string | undefined): string | null {
  if (by === undefined) return null;
  if (by === DATASET) return dataset;
  if (by === ROUTE && measure === "route") return parseRouteKey(key).route;
  return by === INSTANCE ? key : key || UNKNOWN;
}

type AddCell = (measures: Measures, cell: MergedCell) => void;

function adding(counter: "requests" | "bytes" | "signIns" | "signOuts" | "events"): AddCell {
  return (measures, { value }) => {
    measures[counter] += value;
  };
}

const ADD_CELL: Record<Component, AddCell> = {
  requests: adding("requests"),
  bytes: adding("bytes"),
  signIns: adding("signIns"),
  signOuts: adding("signOuts"),
  events: adding("events"),
  errors: (measures, cell) => {
    measures.errors += isError(cell) ? cell.value : 0;
  },
  latency: (measures, { key, value }) => measures.latency.addBucket(Number(key), value),
  users: (measures, { sketches }) => {
    for (const sketch of sketches) measures.users.mergeBytes(sketch);
  },
  instances: (measures, { key }) => {
    measures.instances.add(key);
  },
  cache: (measures, { key, value }) => addHandling(measures, key, value),
};

function isError({ measure, key }: MergedCell): boolean {
  if (measure === "route") return parseRouteKey(key).statusClass * 100 >= ERROR_STATUS_MIN;
  return Number(key) >= ERROR_STATUS_MIN;
}

export function addHandling(measures: Measures, handling: string, requests: number): void {
  if (handling === "hit") measures.cacheHits += requests;
  if (handling === "miss") measures.cacheMisses += requests;
}
