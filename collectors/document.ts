import { isExtra, isNumberField, isTextField, type Batch } from "./batch.ts";
import { EXTRA_FIELD, FIELDS, LIST_SEPARATOR, textOrList } from "./fields.ts";
import { jsonText } from "./json-text.ts";
import { lineText } from "./line-column.ts";
import { addRelated } from "./related.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);

/**
 * One row as a flat document: dotted field names; dates as ISO strings, several values as a list, and the fields without a
 * column. For display and interchange, not for the hot path.
 */
export function toDocument(batch: Batch, row: number): Record<string, unknown> {
  const document = emptyDocument();
  for (const [name, column] of batch.numberColumns()) {
    const value = column.values[row] ?? Number.NaN;
    if (!Number.isNaN(value)) document[name] = numberValue(FIELDS[name], value);
  }
  for (const [name, column] of batch.textColumns()) {
    const id = column.ids[row] ?? 0;
    if (id === 0) continue;
    const text = column.text(id);
    if (name === EXTRA_FIELD) addExtras(document, text);
    else document[name] = textOrList(name, text);
  }
  if (batch.lines.has(row)) document["event.original"] ??= lineText(batch.lines.bytes(row));
  addRelated(document);
  return document;
}

/** Adds a row with the fields of a document, the opposite of `toDocument`. */
export function addDocument(batch: Batch, document: Readonly<Record<string, unknown>>): void {
  batch.reserve(1);
  const row = batch.rows;
  const extras = emptyDocument();
  for (const [name, value] of Object.entries(document)) {
    if (isNumberField(name)) batch.number(name).put(row, numberOf(value));
    else if (!isTextField(name)) extras[name] = value;
    else batch.text(name).putText(row, textOf(value));
  }
  if (Object.keys(extras).length > 0) batch.text(EXTRA_FIELD).putText(row, JSON.stringify(extras));
  batch.commit();
}

/** Dates are ISO strings. */
const numberOf = (value: unknown): number =>
  typeof value === "string" ? Date.parse(value) : Number(value);

/** Has no prototype, so that a field may be named `__proto__`. */
export function emptyDocument(): Record<string, unknown> {
  const document: Record<string, unknown> = Object.create(null);
  return document;
}

function numberValue(type: string, value: number): number | string | boolean {
  if (type === "date") return isoTime(value);
  return type === "boolean" ? value !== 0 : value;
}

function isoTime(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString();
}

function addExtras(document: Record<string, unknown>, text: string): void {
  const extras: unknown = JSON.parse(text);
  if (typeof extras !== "object" || extras === null) return;
  for (const [name, value] of Object.entries(extras)) {
    if (isExtra(name)) document[name] ??= value;
  }
}

const textOf = (value: unknown): string =>
  Array.isArray(value)
    ? value.map((it) => (it === null ? "" : jsonText(it))).join(SEPARATOR)
    : jsonText(value);
