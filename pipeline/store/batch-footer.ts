import type { Batch } from "#collectors/batch.ts";
import type { TextField } from "#collectors/fields.ts";
import type { Positions } from "#collectors/source.ts";

import type { RollupCell } from "../rollup.ts";
import { hasNumberLists } from "./number-lists.ts";
import { FOOTER_VERSION, type SegmentFooter } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

/** The footer of a segment with this batch. */
export function batchFooter(
  id: SegmentId,
  content: { batch: Batch; cells: readonly RollupCell[]; positions: Positions },
): SegmentFooter {
  const { batch, cells, positions } = content;
  return {
    version: FOOTER_VERSION,
    id,
    rows: batch.rows,
    extents: extentsOf(batch),
    holes: [],
    positions: [...positions].map(([source, position]) => ({ source, position, since: id })),
    offsets: offsetsOf(batch),
    cells: cellTimes(cells),
    ...(hasNumberLists(batch) ? { hasNumberLists: true } : {}),
    replaces: [],
  };
}

function cellTimes(cells: readonly RollupCell[]): SegmentFooter["cells"] {
  if (cells.length === 0) return null;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { t } of cells) {
    if (t < from) from = t;
    if (t > to) to = t;
  }
  return { rows: cells.length, from, to };
}

function extentsOf(batch: Batch): SegmentFooter["extents"] {
  const values = batch.numberColumns().get("@timestamp")?.values;
  if (!values) return [];
  return boundsByText(batch, "data_stream.dataset", values).map((bounds) => ({
    dataset: bounds.name,
    rows: bounds.rows,
    fromMs: Math.floor(bounds.min),
    toMs: Math.ceil(bounds.max),
  }));
}

function offsetsOf(batch: Batch): SegmentFooter["offsets"] {
  const values = batch.numberColumns().get("log.offset")?.values;
  if (!values) return [];
  const all = boundsByText(batch, "log.source.id", values);
  return all.map(({ name, min, max }) => ({ source: name, min, max }));
}

type Bounds = { name: string; rows: number; min: number; max: number };

/** Minimum and maximum of a number for each text, without rows that lack the number. */
function boundsByText(batch: Batch, field: TextField, values: Float64Array): Bounds[] {
  const column = batch.textColumns().get(field);
  const found: (Bounds | undefined)[] = [];
  for (let row = 0; row < batch.rows; row += 1) {
    const value = values[row] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const id = column?.ids[row] ?? 0;
    const bounds = found[id];
    if (!bounds) {
      const name = column && id > 0 ? column.text(id) : "";
      found[id] = { name, rows: 1, min: value, max: value };
    } else {
      bounds.rows += 1;
      if (value < bounds.min) bounds.min = value;
      if (value > bounds.max) bounds.max = value;
    }
  }
  return found.filter((bounds) => bounds !== undefined);
}
