import { isNumberField, isTextField, type Batch } from "../batch.ts";
import {
  EXTRA_FIELD,
  holdsLists,
  LIST_SEPARATOR,
  type NumberField,
  type TextField,
} from "../fields.ts";
import type { Format, FormatContext } from "../format.ts";
import { Extras } from "./access-columns.ts";
import { isSet, valueIn } from "./evidence.ts";
import { IGNORED_FIELDS, ignoredField } from "./ignored-fields.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { jsonTime } from "./json-time.ts";
import { implausible } from "./time.ts";

const SEPARATOR = String.fromCharCode(LIST_SEPARATOR);

export const ecs: Format = {
  dataset: "ecs",
  title: "JSON lines in ECS",
  requests: "mixed",
  detection: {
    evidence: (batch) => (filledColumns(batch) > 0 && !hasForeignLevel(batch) ? 2 : -1),
  },
  open(batch, context) {
    const extras = new Extras();
    return (bytes, start, end) => {
      const parsed = parseJsonLine(bytes, start, end);
      if ("reason" in parsed) return parsed.reason;
      const fields = flatten(parsed.object);
      if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
      const hasTime = fields.has("@timestamp") || Object.hasOwn(parsed.object, "@timestamp");
      if (!hasTime) return "not an ECS document: it has no @timestamp";
      extras.clear();
      putDocument({ batch, extras }, fields, context);
      return undefined;
    };
  },
};

/** Writes the fields of a flat document into the open row, instead of values that are there. Removes its time. */
export function putDocument(
  { batch, extras }: Pick<Target, "batch" | "extras">,
  fields: Map<string, unknown>,
  context: TimeContext,
): void {
  const target: Target = { batch, extras, ignored: [] };
  putTime(target, fields, context);
  for (const [name, value] of fields) putField(target, name, value);
  if (target.ignored.length > 0) extras.set(IGNORED_FIELDS, target.ignored);
  extras.write(batch.text(EXTRA_FIELD), batch.rows);
}

type Target = { batch: Batch; extras: Extras; ignored: string[] };

/** Fields that have the time of an event whose `@timestamp` cannot be read, by rank. */
const OTHER_TIMES =
  "event.created event.start event.end timestamp time ts datetime date event.ingested".split(" ");

type TimeContext = Pick<FormatContext, "zone" | "nowMs">;

/** Why a value of `@timestamp` cannot be the time of an event; undefined if it can. */
export function timeProblem(value: unknown, { zone, nowMs }: TimeContext): string | undefined {
  return implausible(jsonTime(firstOf(value), zone), nowMs);
}

/** Without a time that can be read, the event has that of another field, otherwise that of the line before it. */
function putTime(target: Target, fields: Map<string, unknown>, context: TimeContext): void {
  const { batch, extras, ignored } = target;
  const own = fields.get("@timestamp");
  fields.delete("@timestamp");
  const values = [own, ...OTHER_TIMES.map((name) => fields.get(name))];
  const value = values.find((it) => it !== undefined && timeProblem(it, context) === undefined);
  if (value !== undefined) {
    batch.number("@timestamp").put(batch.rows, jsonTime(firstOf(value), context.zone));
  }
  if (value !== undefined && value === own) return;
  ignored.push("@timestamp");
  extras.set(ignoredField("@timestamp"), own ?? null);
}

function putField(target: Target, name: string, value: unknown): void {
  // The first would replace all other fields without a column, the second is no property of an object.
  if (name === EXTRA_FIELD || name === "__proto__") target.extras.set(`labels.${name}`, value);
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
  extras.set(ignoredField(name), value);
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
    if (name !== EXTRA_FIELD && column.ids[batch.rows] !== 0) count += 1;
  for (const [name, column] of batch.numberColumns()) {
    if (name !== "@timestamp" && !Number.isNaN(column.values[batch.rows])) count += 1;
  }
  return count;
}

/** Whether the level has another name than in ECS, as that of Logstash's encoder: other fields have too. */
function hasForeignLevel(batch: Batch): boolean {
  if (isSet(batch, "log.level")) return false;
  const text = valueIn(batch, EXTRA_FIELD);
  return (
    /"(?:level|severity|levelname|loglevel|log_level)":/i.test(text) && !/"ecs\.version"/.test(text)
  );
}
