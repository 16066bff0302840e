import { onlyFieldOf } from "../filter.ts";
import { fieldMatcher } from "../matches.ts";
import type { Accumulator, CellSource } from "../measures/measure.ts";
import { DATASET, seriesKey } from "../measures/split-fields.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import type { CellsRequest, MetricReader, MergedCell } from "../store/port.ts";
import type { Piece } from "./planner.ts";
import type { MetricQuery } from "./query.ts";
import type { SeriesTable } from "./series-table.ts";

export type CellsReading = {
  query: MetricQuery;
  piece: Piece;
  /** One per measure of the metric, in their order. */
  sources: readonly CellSource<Accumulator>[];
};

/**
 * Adds the rollup cells of a piece to the table. Returns false, and adds nothing, if a condition on a name cannot be
 * answered exactly, because some events were not counted by name.
 */
export async function readCells(
  store: MetricReader,
  { query, piece, sources }: CellsReading,
  table: SeriesTable,
): Promise<boolean> {
  if (piece.source === "raw") throw new Error("raw events are not in cells");
  const request: CellsRequest = {
    fromMs: piece.fromMs,
    toMs: piece.toMs,
    levelS: piece.source,
    measures: [...new Set(sources.map(({ measure }) => measure))],
  };
  if (query.stepMs !== undefined) request.stepMs = query.stepMs;
  const dataset = onlyDataset(query);
  if (dataset !== undefined) request.dataset = dataset;
  const isOfDataset = fieldMatcher(query.where, DATASET);
  const readers = sources.map((source, index) => cellReader({ source, index, query }, table));
  const cells = (await store.cells(request)).filter((cell) => isOfDataset(cell.dataset));
  if (sources.some((source) => isInexact(source, query, cells))) return false;
  for (const cell of cells) for (const read of readers) read(cell);
  return true;
}

function isInexact(
  { field, fieldValue = sameKey, measure }: CellSource<Accumulator>,
  { where }: MetricQuery,
  cells: readonly MergedCell[],
): boolean {
  if (!where.some((condition) => onlyFieldOf(condition) === field)) return false;
  return cells.some((cell) => cell.measure === measure && fieldValue(cell.key) === OTHER);
}

const sameKey = (key: string): string => key;

function cellReader(
  { source, index, query }: { source: CellSource<Accumulator>; index: number; query: MetricQuery },
  table: SeriesTable,
): (cell: MergedCell) => void {
  const { field, fieldValue = sameKey } = source;
  const isMatch = field === undefined ? () => true : fieldMatcher(query.where, field);
  return (cell) => {
    if (source.measure !== cell.measure || !isMatch(fieldValue(cell.key))) return;
    const key = keyOf(cell, fieldValue(cell.key), query.by?.field);
    if (key === "") return;
    const into = table.at(key, query.stepMs === undefined ? query.fromMs : cell.tMs)[index];
    if (into) source.add(into, cell);
  };
}

/** The dataset, if the conditions allow only one, so that the store reads less. */
function onlyDataset({ where }: MetricQuery): string | undefined {
  for (const condition of where) {
    if (condition.op === "eq" && condition.field === DATASET) return String(condition.value);
  }
  return undefined;
}

function keyOf({ dataset }: MergedCell, value: string, by: string | undefined): string | null {
  if (by === undefined) return null;
  return by === DATASET ? dataset : seriesKey(by, value);
}
