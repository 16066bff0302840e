import { textOrList } from "#collectors/fields.ts";
import { ignoredField } from "#collectors/formats/ignored-fields.ts";

import { isInNetwork, parseCidr } from "./cidr.ts";
import {
  type Condition,
  type FieldCondition,
  type Filter,
  type OneOf,
  onlyFieldOf,
  type StoreFilter,
} from "./filter.ts";
import { columnType, isNumber, isNumeric } from "./query/names.ts";

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
  return filter.every((condition) => matchesCondition(fields, condition));
}

function matchesCondition(fields: Fields, condition: Condition | OneOf): boolean {
  if (condition.op === "one_of") return isOneOf(fields, condition);
  if (condition.op === "or") return condition.of.some((filter) => matches(fields, filter));
  if (condition.op === "contains") return hasWords(fields, condition.value);
  return condition.op === "not" ? !matches(fields, condition.of) : holds(fields, condition);
}

/**
 * Whether an event with this value in the field matches the conditions on that field; an empty value is an absent one.
 */
export function matchesField(filter: Filter, field: string, value: string): boolean {
  const conditions = filter.filter((condition) => onlyFieldOf(condition) === field);
  return matches({ [field]: value === "" ? null : textOrList(field, value) }, conditions);
}

/** Like `matchesField`, for many values of the same field with few distinct ones. */
export function fieldMatcher(filter: Filter, field: string): (value: string) => boolean {
  const conditions = filter.filter((condition) => onlyFieldOf(condition) === field);
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

function hasWords(fields: Fields, words: string): boolean {
  const texts = FULL_TEXT_FIELDS.flatMap((field) => valuesOf(fields, field));
  return texts.some((value) => contains(value, words));
}

function holds(fields: Fields, condition: Exclude<FieldCondition, { op: "contains" }>): boolean {
  const values = valuesOf(fields, condition.field);
  switch (condition.op) {
    case "exists":
      return values.length > 0;
    case "missing":
      return values.length === 0;
    case "eq":
      return values.some((value) => equal(value, condition));
    case "ne":
      return !values.some((value) => equal(value, condition));
    case "like":
      return values.some((value) => like(value, condition.value));
    case "not_like":
      return !values.some((value) => like(value, condition.value));
    case "cidr":
      return isInSome(values, condition.value);
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return values.some((value) => compares(value, condition));
  }
}

/** All values of a list of numbers are beside the column, which has the first one. */
function valuesOf(fields: Fields, name: string): unknown[] {
  const value = fields[name];
  const list = isNumber(name) ? fields[ignoredField(name)] : undefined;
  if (Array.isArray(list)) return list;
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isInSome(values: readonly unknown[], cidr: string): boolean {
  const network = parseCidr(cidr);
  return network !== undefined && values.some((value) => isInNetwork(String(value), network));
}

type Equality = Extract<FieldCondition, { op: "eq" | "ne" }>;
type Comparison = Extract<FieldCondition, { op: "gt" | "gte" | "lt" | "lte" }>;

const equal = (value: unknown, { field, value: wanted }: Equality): boolean =>
  String(value) === String(wanted) ||
  (typeof wanted === "number" && isNumeric(field) && numberIn(field, value) === wanted);

const contains = (value: unknown, words: string): boolean =>
  String(value).toLowerCase().includes(words.toLowerCase());

function compares(value: unknown, { field, op, value: bound }: Comparison): boolean {
  const number = numberIn(field, value);
  if (op === "gt") return number > bound;
  if (op === "gte") return number >= bound;
  return op === "lt" ? number < bound : number <= bound;
}

/** Texts that are compared as numbers, as a regular expression of JavaScript and RE2. */
export const NUMBER_TEXT = "[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]{1,3})?";
const WHOLE_NUMBER_TEXT = new RegExp(`^${NUMBER_TEXT}$`);

/** A time is text in a document and a number in a condition. */
function numberIn(field: string, value: unknown): number {
  const text = String(value);
  if (WHOLE_NUMBER_TEXT.test(text)) return Number(text);
  return columnType(field) === "date" ? Date.parse(text) : Number.NaN;
}

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
