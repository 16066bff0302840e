import { DuckDBListValue, type DuckDBValue } from "@duckdb/node-api";

import { type Batch, isNumberField, isTextField } from "#collectors/batch.ts";
import { EXTRA_FIELD, FIELDS, LIST_SEPARATOR } from "#collectors/fields.ts";

import { identifier } from "./duck.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);
const NAMES = [...Object.keys(FIELDS), EXTRA_FIELD];

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
  for (const [i, name] of NAMES.entries()) {
    for (const [row, value] of (columns[i] ?? []).entries()) {
      if (value === null) continue;
      if (isNumberField(name)) batch.number(name).put(first + row, Number(value));
      else if (isTextField(name)) batch.text(name).putText(first + row, textOf(value));
    }
  }
  for (let row = 0; row < rows; row += 1) batch.commit();
}

const textOf = (value: DuckDBValue): string =>
  value instanceof DuckDBListValue ? value.items.join(SEPARATOR) : String(value);
