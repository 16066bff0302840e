import { type Batch, isNumberField, isTextField } from "#collectors/batch.ts";
import { EXTRA_FIELD, FIELDS, LIST_SEPARATOR } from "#collectors/fields.ts";

import { asNumber, asText, identifier, type Row } from "./duck.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);
const NAMES = [...Object.keys(FIELDS), EXTRA_FIELD];

/** The columns of event files from which `addStoredRow` makes a row of a batch. */
export const STORED_ROW_SQL = NAMES.map((name) =>
  isNumberField(name) && FIELDS[name] === "date"
    ? `epoch_ms(${identifier(name)})`
    : identifier(name),
).join(", ");

/** Adds an event to a batch, as it was in the batch that was stored. */
export function addStoredRow(batch: Batch, values: Row): void {
  batch.reserve(1);
  for (const [i, name] of NAMES.entries()) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (isNumberField(name)) {
      const number = typeof value === "boolean" ? Number(value) : asNumber(value);
      batch.number(name).put(batch.rows, number);
    } else if (isTextField(name)) {
      const items = Array.isArray(value) ? value : [value];
      const text = items.map((item) => asText(item) ?? "").join(SEPARATOR);
      batch.text(name).putText(batch.rows, text);
    }
  }
  batch.commit();
}
