import { isAddress, parseCidr } from "../cidr.ts";
import type { Condition, FieldCondition, Filter } from "../filter.ts";
import { columnType, isIpField, isNumeric, mayHaveAddresses } from "./names.ts";
import type { Operator, RangeToken, Token } from "./scanner.ts";
import { wrong } from "./scanner.ts";
import { type WrittenTime, writtenTime } from "./times.ts";

type Comparison = "gt" | "gte" | "lt" | "lte";
const COMPARISONS: Partial<Record<Operator, Comparison>> = {
  ">": "gt",
  ">=": "gte",
  "<": "lt",
  "<=": "lte",
};
/** Two bounds with dots between them. */
const DOTS = /^(.+?)\.\.(.+)$/;

/** A field with its operator; `name` as it was written. */
export type FieldTerm = { field: string; name: string; operator: Operator };

/** A bare word: the only place that decides what it searches. */
export const wordCondition = (words: string): Condition => ({
  field: "*",
  op: "contains",
  value: words,
});

/** The conditions of a field, an operator and a value. @throws AppError if the value cannot match */
export function fieldFilter({ field, operator }: FieldTerm, value: Token): Filter {
  const comparison = COMPARISONS[operator];
  if (comparison) return [compared(field, comparison, value)];
  const found = operator === "~" ? [pattern(field, value)] : equal(field, value);
  return operator === "!=" ? negated(found) : found;
}

/** The conditions of `field:[from TO to]`; `*` is an open bound. */
export function rangeFilter(field: string, { from, to, hasFrom, hasTo }: RangeToken): Filter {
  const lower = isOpen(from) ? [] : [compared(field, hasFrom ? "gte" : "gt", from)];
  const upper = isOpen(to) ? [] : [compared(field, hasTo ? "lte" : "lt", to)];
  const bounds = [...lower, ...upper];
  return bounds.length > 0 ? bounds : [{ field, op: "exists" }];
}

const isOpen = ({ text, isQuoted }: Token): boolean => text === "*" && !isQuoted;

/** The opposite of a filter: it matches all other events, including those without the field. */
export function negated(filter: Filter): Filter {
  const [condition, ...more] = filter;
  if (!condition) return [{ op: "not", of: [] }];
  return more.length > 0 ? [{ op: "not", of: filter }] : negatedCondition(condition);
}

function negatedCondition(condition: Condition): Filter {
  if (condition.op === "not") return condition.of;
  if (condition.op === "eq") return [{ ...condition, op: "ne" }];
  if (condition.op === "ne") return [{ ...condition, op: "eq" }];
  if (condition.op === "like") return [{ ...condition, op: "not_like" }];
  if (condition.op === "not_like") return [{ ...condition, op: "like" }];
  if (condition.op === "exists") return [{ ...condition, op: "missing" }];
  if (condition.op === "missing") return [{ ...condition, op: "exists" }];
  return [{ op: "not", of: [condition] }];
}

function equal(field: string, value: Token): Filter {
  const { text, isQuoted } = value;
  if (!isQuoted) {
    if (text === "*") return [{ field, op: "exists" }];
    const range = isNumeric(field) ? DOTS.exec(text) : null;
    if (range) return rangeFilter(field, dotted(value, range));
    if (patternIn(field, value) !== undefined) return [pattern(field, value)];
    if (mayHaveAddresses(field) && parseCidr(text)) return [{ field, op: "cidr", value: text }];
  }
  return exactly(field, value);
}

function exactly(field: string, value: Token): Filter {
  const { text, at } = value;
  const type = columnType(field);
  if (type === "date") return instants(field, value);
  if (type === "long" && !Number.isInteger(numberIn(field, value))) {
    throw wrong(at, `${field} has whole numbers: ${quoted(text)} cannot match`);
  }
  if (isNumeric(field)) return [{ field, op: "eq", value: numberIn(field, value) }];
  if (type === "boolean" && !/^(?:true|false)$/i.test(text)) {
    throw wrong(at, `${field} is true or false: ${quoted(text)} cannot match`);
  }
  if (isIpField(field) && !isAddress(text)) throw noAddress(field, value);
  return [{ field, op: "eq", value: text }];
}

function noAddress(field: string, { text, at }: Token): Error {
  const forms = "203.0.113.5, 203.0.113.0/24, 203.0.113.* or 2001:db8::/32";
  return wrong(at, `${field} is an IP address: ${quoted(text)} cannot match, write ${forms}`);
}

/** A date or a time without seconds means all of it, and one with seconds the second. */
function instants(field: string, value: Token): Filter {
  const { startMs, unitMs } = timeIn(field, value);
  if (unitMs === 1) return [{ field, op: "eq", value: startMs }];
  return [
    { field, op: "gte", value: startMs },
    { field, op: "lt", value: startMs + unitMs },
  ];
}

/** A pattern with wildcards, or a text in which `~` allows them. */
function pattern(field: string, value: Token): FieldCondition {
  const { text, at } = value;
  const type = columnType(field);
  if (type === "date") {
    throw wrong(at, `${field} is a time, without wildcards: write ${field}:2026-05-17 for a day`);
  }
  const like = patternIn(field, value) ?? text;
  if (isNumeric(field) && !/^[-\d.*]+$/.test(like)) {
    throw wrong(at, `${field} is a number: ${quoted(text)} cannot match`);
  }
  return { field, op: "like", value: like };
}

/** The pattern of an unquoted value, if it is one; `5xx` means 500 to 599. */
export function patternIn(field: string, { text, isQuoted }: Token): string | undefined {
  if (isQuoted) return undefined;
  if (text.includes("*")) return text;
  return isNumeric(field) && /^[1-9]xx$/i.test(text) ? `${text.charAt(0)}*` : undefined;
}

function compared(field: string, op: Comparison, value: Token): FieldCondition {
  const type = columnType(field);
  if (type === "keywords" || type === "boolean") {
    throw wrong(value.at, `${field} cannot be compared by size: write ${field}:${value.text}`);
  }
  if (type !== "date") return { field, op, value: numberIn(field, value) };
  const { startMs, unitMs } = timeIn(field, value);
  // A day or a minute means all of it: `>` begins after it, and `<=` includes it.
  if (unitMs <= 1000) return { field, op, value: startMs };
  if (op === "gt") return { field, op: "gte", value: startMs + unitMs };
  return op === "lte"
    ? { field, op: "lt", value: startMs + unitMs }
    : { field, op, value: startMs };
}

function timeIn(field: string, { text, at }: Token): WrittenTime {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return { startMs: number, unitMs: 1 };
  const time = writtenTime(text);
  if (time) return time;
  const forms = "2026-05-17, 2026-05-17T10:00:00Z or epoch milliseconds";
  throw wrong(at, `${field} is a time, such as ${forms}: ${quoted(text)} is not one`);
}

function numberIn(field: string, { text, at }: Token): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw wrong(at, `${field} is compared with a number: ${quoted(text)} is not one`);
}

function dotted({ at }: Token, [, from = "", to = ""]: RegExpExecArray): RangeToken {
  return {
    from: { text: from, isQuoted: false, at },
    to: { text: to, isQuoted: false, at: at + from.length + 2 },
    hasFrom: true,
    hasTo: true,
  };
}

const quoted = (text: string): string => JSON.stringify(text);
