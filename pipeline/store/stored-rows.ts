import type { DuckDBValue } from "@duckdb/node-api";

import { type Batch, isNumberField, isTextField } from "#collectors/batch.ts";
import { EXTRA_FIELD, FIELDS, LIST_SEPARATOR, ORIGINAL_BYTES } from "#collectors/fields.ts";
import { LINE_LAYOUT } from "#collectors/line-layout.ts";

import { blobBytes, identifier, listItems } from "./duck.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);
const ORIGINAL = "event.original";
const NAMES = [...Object.keys(FIELDS), EXTRA_FIELD, ORIGINAL_BYTES, LINE_LAYOUT];
const ORIGINAL_AT = NAMES.indexOf(ORIGINAL);
const BYTES_AT = NAMES.indexOf(ORIGINAL_BYTES);
const LAYOUT_AT = NAMES.indexOf(LINE_LAYOUT);
const LINE_COLUMNS = [ORIGINAL_AT, BYTES_AT, LAYOUT_AT];
const FIELD_COLUMNS = [...NAMES.entries()].filter(([i]) => !LINE_COLUMNS.includes(i));

/** The columns of event files from which `addStoredRows` makes rows of a batch. */
export const STORED_ROW_SQL = NAMES.map((name) =>
  isNumberField(name) && FIELDS[name] === "date"
    ? `epoch_ms(${identifier(name)})`
    : identifier(name),
).join(", ");

/** Adds events to a batch, as they were in the batch that was stored. */
export function addStoredRows(batch: Batch, columns: readonly DuckDBValue[][]): void {
  const first = batch.rows;
  const rows = columns[0]?.length ?? 0;
  batch.reserve(rows);
  addLines(batch, columns);
  for (const [i, name] of FIELD_COLUMNS) {
    for (const [row, value] of (columns[i] ?? []).entries()) {
      if (value === null) continue;
      if (isNumberField(name)) batch.number(name).put(first + row, Number(value));
      else if (isTextField(name)) batch.text(name).putText(first + row, textOf(value));
    }
  }
  for (let row = 0; row < rows; row += 1) batch.commit();
}

/** A text beside the bytes of a line is that of the sender, or it is made from the bytes again when it is stored. */
function addLines(batch: Batch, columns: readonly DuckDBValue[][]): void {
  const layouts = columns[LAYOUT_AT] ?? [];
  for (const [i, text] of (columns[ORIGINAL_AT] ?? []).entries()) {
    if (text === null) continue;
    const row = batch.rows + i;
    const layout = layouts[i] ?? null;
    if (layout !== null) batch.layouts.putText(row, String(layout));
    const bytes = blobBytes(columns[BYTES_AT]?.[i]);
    const line = bytes ?? Buffer.from(String(text));
    batch.lines.put(row, line, 0, line.length);
    if (bytes) batch.text(ORIGINAL).putText(row, String(text));
  }
}

const textOf = (value: DuckDBValue): string => listItems(value)?.join(SEPARATOR) ?? String(value);
