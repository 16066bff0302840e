import { isNumberField, isTextField, type Batch } from "../batch.ts";
import {
  EXTRA_FIELD,
  FIELDS,
  LIST_SEPARATOR,
  type NumberField,
  type TextField,
} from "../fields.ts";
import type { Format } from "../format.ts";
import type { Zone } from "../zone.ts";
import { Extras } from "./access-columns.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { implausible, parseTime } from "./time.ts";

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
      for (const [name, value] of fields) {
        const reason = putField({ batch, extras, zone: context.zone }, name, value);
        if (reason !== undefined) return reason;
      }
      const timeMs = batch.number("@timestamp").values[batch.rows] ?? Number.NaN;
      const why = implausible(timeMs, context.nowMs);
      if (why !== undefined) return why;
      extras.write(batch.text(EXTRA_FIELD), batch.rows);
      return undefined;
    };
  },
};

type Target = { batch: Batch; extras: Extras; zone: Zone };

function putField(target: Target, name: string, value: unknown): string | undefined {
  if (name === EXTRA_FIELD) {
    // A field of this name would replace all other fields without a column.
    target.extras.set(`labels.${EXTRA_FIELD}`, value);
    return undefined;
  }
  if (isTextField(name)) return putText(target, name, value);
  if (isNumberField(name)) return putNumber(target, name, value);
  target.extras.set(name, value);
  return undefined;
}

function putText({ batch }: Target, name: TextField, value: unknown): undefined {
  const items = (Array.isArray(value) ? value : [value])
    .map(textOfValue)
    .filter((text) => text !== "");
  if (items.length === 0) return undefined;
  const isList = name !== EXTRA_FIELD && FIELDS[name] === "keywords";
  batch.text(name).putText(batch.rows, items.join(isList ? SEPARATOR : ", "));
  return undefined;
}

function textOfValue(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

function putNumber({ batch, zone }: Target, name: NumberField, value: unknown): string | undefined {
  const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const number = FIELDS[name] === "date" ? dateOf(single, zone) : numberOf(single);
  if (Number.isNaN(number)) {
    const kind = FIELDS[name] === "date" ? "time" : "number";
    return `${name} is not a ${kind}: ${textOfValue(single).slice(0, 60)}`;
  }
  batch.number(name).put(batch.rows, number);
  return undefined;
}

function numberOf(value: unknown): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  // An integer beyond the safe range would be stored as another number.
  if (typeof value === "number") {
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
  }
  const isNumeric = typeof value === "string" && /^-?\d{1,15}(\.\d{1,9})?$/.test(value);
  return isNumeric ? Number(value) : Number.NaN;
}

/** An ISO time, or epoch ms as a number. */
function dateOf(value: unknown, zone: Zone): number {
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) : Number.NaN;
  if (typeof value !== "string" || value.length > 64) return Number.NaN;
  const bytes = Buffer.from(value);
  return parseTime(bytes, 0, bytes.length, zone);
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
