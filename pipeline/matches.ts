import { textOrList } from "#collectors/fields.ts";

import type { Condition, Filter, OneOf, StoreFilter } from "./filter.ts";

/** Fields that are searched for bare words. */
export const FULL_TEXT_FIELDS = [
  "message",
  "error.message",
  "url.original",
  "user_agent.original",
  "http.request.referrer",
  "event.original",
] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Whether a document in memory matches every condition, by the rules of the store. */
export function matches(fields: Fields, filter: StoreFilter): boolean {
  return filter.every((condition) =>
    condition.op === "one_of" ? isOneOf(fields, condition) : holds(fields, condition),
  );
}

/**
 * Whether an event with this value in the field matches the conditions on that field; an empty value is an absent one.
 */
export function matchesField(filter: Filter, field: string, value: string): boolean {
  const conditions = filter.filter((condition) => condition.field === field);
  return matches({ [field]: value === "" ? null : textOrList(field, value) }, conditions);
}

/** Like `matchesField`, for many values of the same field with few distinct ones. */
export function fieldMatcher(filter: Filter, field: string): (value: string) => boolean {
  const conditions = filter.filter((condition) => condition.field === field);
  if (conditions.length === 0) return () => true;
  const known = new Map<string, boolean>();
  return (value) => {
    let isMatch = known.get(value);
    if (isMatch === undefined) {
      isMatch = matchesField(conditions, field, value);
      known.set(value, isMatch);
    }
    return isMatch;
  };
}

const isOneOf = (fields: Fields, { field, values }: OneOf): boolean =>
  valuesOf(fields, field).some((value) => values.includes(String(value)));

function holds(fields: Fields, condition: Condition): boolean {
  switch (condition.op) {
    case "exists":
      return valuesOf(fields, condition.field).length > 0;
    case "missing":
      return valuesOf(fields, condition.field).length === 0;
    case "eq":
      return valuesOf(fields, condition.field).some((value) => equal(value, condition.value));
    case "ne":
      return !valuesOf(fields, condition.field).some((value) => equal(value, condition.value));
    case "like":
      return valuesOf(fields, condition.field).some((value) => like(value, condition.value));
    case "not_like":
      return !valuesOf(fields, condition.field).some((value) => like(value, condition.value));
    case "contains":
      return FULL_TEXT_FIELDS.some((field) =>
        valuesOf(fields, field).some((value) => contains(value, condition.value)),
      );
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return valuesOf(fields, condition.field).some((value) => compares(value, condition));
  }
}

function valuesOf(fields: Fields, name: string): unknown[] {
  const value = fields[name];
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A time is text in a document and a number in a condition. */
const equal = (value: unknown, wanted: string | number): boolean =>
  String(value) === String(wanted) ||
  (typeof wanted === "number" && typeof value === "string" && instantOrNumber(value) === wanted);

const contains = (value: unknown, words: string): boolean =>
  String(value).toLowerCase().includes(words.toLowerCase());

function compares(
  value: unknown,
  { op, value: bound }: Extract<Condition, { op: "gt" | "gte" | "lt" | "lte" }>,
): boolean {
  const number = typeof value === "string" ? instantOrNumber(value) : Number(value);
  if (op === "gt") return number > bound;
  if (op === "gte") return number >= bound;
  return op === "lt" ? number < bound : number <= bound;
}

const instantOrNumber = (text: string): number =>
  /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number(text);

/** `*` matches any characters; takes time linear in the text times the number of stars. */
function like(value: unknown, pattern: string): boolean {
  const text = String(value).toLowerCase();
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
