import { isNumberField, isTextField, type Batch } from "../batch.ts";
import {
  EXTRA_FIELD,
  holdsLists,
  LIST_SEPARATOR,
  type NumberField,
  type TextField,
} from "../fields.ts";
import type { Format } from "../format.ts";
import type { Zone } from "../zone.ts";
import { Extras } from "./access-columns.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { jsonTime } from "./json-time.ts";
import { implausible } from "./time.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);

export const ecs: Format = {
  dataset: "ecs",
  title: "JSON lines in ECS",
  requests: "mixed",
  detection: { evidence: (batch) => (filledColumns(batch) > 0 ? 2 : -1) },
  open(batch, context) {
    const extras = new Extras();
    return (bytes, start, end) => {
      const parsed = parseJsonLine(bytes, start, end);
      if ("reason" in parsed) return parsed.reason;
      const fields = flatten(parsed.object);
      if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
      if (!fields.has("@timestamp")) return "not an ECS document: it has no @timestamp";
      extras.clear();
      const timeMs = timeOf(fields, context.zone);
      const why = implausible(timeMs, context.nowMs);
      if (why !== undefined) return why;
      batch.number("@timestamp").put(batch.rows, timeMs);
      const target: Target = { batch, extras, ignored: [] };
      for (const [name, value] of fields) putField(target, name, value);
      if (target.ignored.length > 0) extras.set(IGNORED_FIELDS, target.ignored);
      extras.write(batch.text(EXTRA_FIELD), batch.rows);
      return undefined;
    };
  },
};

/** The names of fields whose value does not fit their type. The values are beside it, in `labels.ignored.NAME`. */
export const IGNORED_FIELDS = "labels.ignored_fields";

/** The fields that were set aside in the open row. */
export function ignoredFields(batch: Batch): string[] {
  const column = batch.text(EXTRA_FIELD);
  const id = column.ids[batch.rows] ?? 0;
  const text = id === 0 ? "" : column.text(id);
  if (!text.includes(IGNORED_FIELDS)) return [];
  const extras: Record<string, unknown> = JSON.parse(text);
  const names = extras[IGNORED_FIELDS];
  return Array.isArray(names) ? names.map(String) : [];
}

type Target = { batch: Batch; extras: Extras; ignored: string[] };

/** Removes the time from the fields: it is the only one without which there is no event. */
function timeOf(fields: Map<string, unknown>, zone: Zone): number {
  const value = firstOf(fields.get("@timestamp"));
  fields.delete("@timestamp");
  return jsonTime(value, zone);
}

function putField(target: Target, name: string, value: unknown): void {
  // A field of this name would replace all other fields without a column.
  if (name === EXTRA_FIELD) target.extras.set(`labels.${EXTRA_FIELD}`, value);
  else if (isTextField(name)) putText(target, name, value);
  else if (isNumberField(name)) putNumber(target, name, value);
  else target.extras.set(name, value);
}

function putText({ batch }: Target, name: TextField, value: unknown): void {
  const items = (Array.isArray(value) ? value : [value])
    .map(textOfValue)
    .filter((text) => text !== "");
  if (items.length === 0) return;
  batch.text(name).putText(batch.rows, items.join(holdsLists(name) ? SEPARATOR : ", "));
}

function textOfValue(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** A column of numbers has one for each event: the first of a list. */
function putNumber({ batch, extras, ignored }: Target, name: NumberField, value: unknown): void {
  const number = numberOf(firstOf(value));
  const isWhole = !Number.isNaN(number) && (!Array.isArray(value) || value.length === 1);
  if (!Number.isNaN(number)) batch.number(name).put(batch.rows, number);
  if (isWhole) return;
  ignored.push(name);
  extras.set(`labels.ignored.${name}`, value);
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);

function numberOf(value: unknown): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  // An integer beyond the safe range would be stored as another number.
  if (typeof value === "number") {
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
  }
  const text = typeof value === "string" ? value.trim() : "";
  return /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
}

/** The number of columns filled in addition to the time: an object that is not an ECS document fills none. */
function filledColumns(batch: Batch): number {
  let count = 0;
  for (const [name, column] of batch.textColumns())
    if (name !== EXTRA_FIELD && column.ids[0] !== 0) count += 1;
  for (const [name, column] of batch.numberColumns()) {
    if (name !== "@timestamp" && !Number.isNaN(column.values[0])) count += 1;
  }
  return count;
}
