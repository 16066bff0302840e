import { type Batch, isTextField } from "#collectors/batch.ts";
import {
  EXTRA_FIELD,
  FIELDS,
  type NumberField,
  ORIGINAL_BYTES,
  type TextField,
} from "#collectors/fields.ts";
import { LINE_LAYOUT } from "#collectors/line-layout.ts";
import type { NumberColumn } from "#collectors/number-column.ts";
import type { TextColumn } from "#collectors/text-column.ts";

import type { NumberData, ParquetColumn, TextData } from "./column.ts";
import { originalColumns } from "./original-columns.ts";
import { validText } from "./valid-text.ts";

/** The non-empty columns of the batch, in the order of the list of fields. */
export function batchColumns(batch: Batch): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  for (const [name, column] of batch.numberColumns()) {
    if (hasNumber(column, batch.rows)) columns.push(numberData(name, column));
  }
  columns.push(...originalColumns(batch));
  for (const [name, column] of batch.textColumns()) {
    if (name !== "event.original" && hasText(column, batch.rows))
      columns.push(textData(name, column, batch.rows));
  }
  if (hasText(batch.layouts, batch.rows)) {
    columns.push(textData(LINE_LAYOUT, batch.layouts, batch.rows));
  }
  // A file without any column could not be read.
  if (columns.length === 0 && batch.rows > 0) {
    columns.push(numberData("@timestamp", batch.number("@timestamp")));
  }
  return columns.toSorted((a, b) => order(a.name) - order(b.name));
}

function hasNumber(column: NumberColumn, rows: number): boolean {
  for (let row = 0; row < rows; row += 1) if (!Number.isNaN(column.values[row]!)) return true;
  return false;
}

function hasText(column: TextColumn, rows: number): boolean {
  if (column.size === 0) return false;
  for (let row = 0; row < rows; row += 1) if (column.ids[row] !== 0) return true;
  return false;
}

function numberData(name: NumberField, column: NumberColumn): NumberData {
  return { name, kind: FIELDS[name], values: column.values };
}

function textData(
  name: TextField | typeof LINE_LAYOUT,
  column: TextColumn,
  rows: number,
): TextData {
  const isList = isTextField(name) && name !== EXTRA_FIELD && FIELDS[name] === "keywords";
  const kind = isList ? "texts" : "text";
  const { bytes, ends } = column.dictionary;
  return validText({
    name,
    kind,
    ids: column.ids.subarray(0, rows),
    size: column.size,
    bytes,
    ends,
  });
}

const ORDER = new Map(
  [...Object.keys(FIELDS), EXTRA_FIELD, ORIGINAL_BYTES, LINE_LAYOUT].map((name, i) => [name, i]),
);

function order(name: string): number {
  return ORDER.get(name) ?? ORDER.size;
}
