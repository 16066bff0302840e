import type { Batch } from "#collectors/batch.ts";
import { ORIGINAL_BYTES } from "#collectors/fields.ts";
import { escapeInvalidUtf8 } from "#collectors/formats/bytes.ts";
import { LineColumn } from "#collectors/line-column.ts";

import type { LineData } from "./column.ts";

/**
 * The columns with the original lines: as text in `event.original`, and as bytes where that is something else, because
 * the line is not valid UTF-8, or because the sender of the event set the field. Lines that their fields give back are left
 * out, and empty columns.
 */
export function originalColumns(batch: Batch): LineData[] {
  const { lines, layouts, rows } = batch;
  const rebuilt = layouts.size === 0 ? 0 : countOf(layouts.ids, rows);
  if (rebuilt === rows) return [];
  const own = batch.textColumns().get("event.original");
  const hasOwn = own !== undefined && own.size > 0;
  if (!hasOwn && lines.isText && rebuilt === 0) return columnOf("text", lines);
  const texts = new LineColumn(rows);
  const bytes = new LineColumn(rows);
  for (let row = 0; row < rows; row += 1) {
    if (layouts.ids[row] !== 0) continue;
    const line = lines.bytes(row);
    const id = own?.ids[row] ?? 0;
    const text = escapeInvalidUtf8(own && id > 0 ? own.bytes(id) : line);
    texts.put(row, text, 0, text.length);
    if (text !== line) bytes.put(row, line, 0, line.length);
  }
  return [...columnOf("text", texts), ...columnOf("bytes", bytes)];
}

/** The number of rows that have a value. */
function countOf(ids: Uint32Array, rows: number): number {
  let count = 0;
  for (let row = 0; row < rows; row += 1) if (ids[row] !== 0) count += 1;
  return count;
}

function columnOf(kind: LineData["kind"], { content }: LineColumn): LineData[] {
  const { bytes: lines, starts, lengths } = content;
  const name = kind === "text" ? "event.original" : ORIGINAL_BYTES;
  return lines.length === 0 ? [] : [{ name, kind, lines, starts, lengths }];
}
