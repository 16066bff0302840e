import { isField } from "#collectors/batch.ts";
import {
  EXTRA_FIELD,
  FIELDS,
  type FieldType,
  holdsLists,
  LATER_COLUMNS,
  LIST_SEPARATOR,
  ORIGINAL_BYTES,
} from "#collectors/fields.ts";
import { ignoredField } from "#collectors/formats/ignored-fields.ts";
import { assertNever } from "#platform/errors.ts";

import { parseCidr } from "../cidr.ts";
import type { Condition, FieldCondition, OneOf, StoreFilter, TimeRange } from "../filter.ts";
import { FULL_TEXT_FIELDS, NUMBER_TEXT } from "../matches.ts";
import { isNumber } from "../query/names.ts";
import { booleanOf, instantOf, notComparable, numberOf } from "./check-request.ts";
import { networkSql } from "./cidr-sql.ts";
import { identifier, type Parameter } from "./duck.ts";
import { lineContainsSql } from "./line-words.ts";
import { IS_REBUILT_SQL, STORED_LINE } from "./rebuilt-line-sql.ts";

const COLUMN_TYPES: Partial<Record<FieldType, string>> = { long: "BIGINT", double: "DOUBLE" };
const COMPARISONS = { eq: "=", ne: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" };
const ASCII = /^[\x20-\x7e]*$/;
/** Range of a JavaScript Date, ms before and after 1970. */
export const DATE_MS_MAX = 8.64e15;

/**
 * SQL with its parameters. Only names of known fields and whole numbers become part of the text; all other input
 * is bound.
 */
export class SqlText {
  readonly parameters: Parameter[] = [];
  /** Whether a number may be one of a list. Without lists DuckDB can skip rows by the column. */
  readonly hasNumberLists: boolean;

  constructor({ hasNumberLists = false }: { hasNumberLists?: boolean } = {}) {
    this.hasNumberLists = hasNumberLists;
  }

  /** Binds a value and returns its placeholder. */
  bind(value: Parameter): string {
    this.parameters.push(value);
    return `$${this.parameters.length}`;
  }

  /** A whole number as a literal, so that DuckDB can skip row groups by their statistics; other numbers are bound. */
  number(value: number): string {
    return Number.isSafeInteger(value) ? String(value) : this.bind(value);
  }
}

/** Query text, and the values of $1, $2, … */
export type Statement = { text: string; parameters: readonly Parameter[] };

type Value = {
  sql: string;
  type: FieldType;
  /** For fields without a column: the values if the JSON has a list, otherwise null. */
  items?: string;
  /** Whether the text may be a list with separators: of a column that usually has single values. */
  mayBeList?: boolean;
};

/** The field's value; fields without a column are looked up in `fields_json`. */
export function fieldValue(sql: SqlText, field: string): Value {
  if (!isField(field)) return extraValue(sql, field);
  const column = identifier(field);
  const type = FIELDS[field];
  const mayBeList = type === "keyword" && holdsLists(field);
  if (!LATER_COLUMNS.has(field)) return { sql: column, type, mayBeList };
  const extra = `TRY_CAST(${extraValue(sql, field).sql} AS ${COLUMN_TYPES[type] ?? "VARCHAR"})`;
  return { sql: `coalesce(${column}, ${extra})`, type };
}

function extraValue(sql: SqlText, field: string): Value {
  const pointer = `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const json = identifier(EXTRA_FIELD);
  const path = sql.bind(pointer);
  return {
    sql: `(CASE WHEN json_valid(${json}) THEN json_extract_string(${json}, ${path}) END)`,
    type: "keyword",
    items: `(CASE WHEN json_valid(${json}) THEN TRY_CAST(json_extract(${json}, ${path}) AS VARCHAR[]) END)`,
  };
}

/** The field's value to split and count by: the joined values of a list, epoch ms for a date. */
export function splitValue(sql: SqlText, field: string): string {
  const value = fieldValue(sql, field);
  if (value.type === "keywords") return `array_to_string(${value.sql}, ',')`;
  return value.type === "date" ? `epoch_ms(${value.sql})` : value.sql;
}

/** Half-open, like every range. */
export function timeSql({ fromMs, toMs }: TimeRange): string {
  const time = identifier("@timestamp");
  return `${time} >= ${instant(fromMs)} AND ${time} < ${instant(toMs)}`;
}

/** Epoch ms as an SQL instant; rounded up, which keeps `>=` and `<` exact. */
export function instant(ms: number): string {
  const whole = Number.isNaN(ms) ? 0 : Math.ceil(Math.min(Math.max(ms, -DATE_MS_MAX), DATE_MS_MAX));
  return `make_timestamptz(${BigInt(whole) * 1000n})`;
}

/** The conditions joined by AND; `TRUE` without conditions. */
export function filterSql(sql: SqlText, filter: StoreFilter): string {
  const parts = filter.map((condition) => conditionSql(sql, condition));
  return parts.map((part) => `(${part})`).join(" AND ") || "TRUE";
}

function conditionSql(sql: SqlText, condition: Condition | OneOf): string {
  if (condition.op === "one_of") return oneOfSql(sql, condition);
  if (condition.op === "or") {
    return condition.of.map((filter) => `(${filterSql(sql, filter)})`).join(" OR ") || "FALSE";
  }
  if (condition.op === "not") return `NOT coalesce(${filterSql(sql, condition.of)}, FALSE)`;
  return condition.op === "cidr" ? cidrSql(sql, condition) : fieldSql(sql, condition);
}

function fieldSql(sql: SqlText, condition: Exclude<FieldCondition, Cidr>): string {
  switch (condition.op) {
    case "contains":
      return containsSql(sql, condition.value);
    case "exists":
      return existsSql(fieldValue(sql, condition.field));
    case "missing":
      return `NOT (${existsSql(fieldValue(sql, condition.field))})`;
    case "like":
      return likeSql(sql, condition.field, condition.value);
    case "not_like":
      return `NOT coalesce(${likeSql(sql, condition.field, condition.value)}, FALSE)`;
    case "eq":
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return compareSql(sql, condition);
    case "ne":
      return `NOT coalesce(${compareSql(sql, condition)}, FALSE)`;
    default:
      return assertNever(condition);
  }
}

function oneOfSql(sql: SqlText, { field, values }: OneOf): string {
  if (values.length === 0) return "FALSE";
  const place = fieldValue(sql, field);
  const bound = values.map((value) => sql.bind(value));
  if (place.type === "keywords") return `list_has_any(${place.sql}, [${bound.join(", ")}])`;
  return `CAST(${place.sql} AS VARCHAR) IN (${bound.join(", ")})`;
}

/** `greatest` skips nulls, and takes less time than OR, which selects the remaining rows after each field. */
function containsSql(sql: SqlText, words: string): string {
  const holds = containsWords(sql, words);
  const texts = [
    ...FULL_TEXT_FIELDS.map((field) =>
      field === "event.original" ? STORED_LINE : identifier(field),
    ),
    // Bytes that are not text are in event.original too, as escapes.
    `TRY(decode(${identifier(ORIGINAL_BYTES)}))`,
  ];
  const rebuilt = `CASE WHEN ${IS_REBUILT_SQL} THEN ${lineContainsSql(words, holds)} END`;
  return `coalesce(greatest(${[...texts.map(holds), rebuilt].join(", ")}), FALSE)`;
}

/**
 * Whether a text contains the words, case-insensitive. RE2 takes two thirds of the time of a comparison in lower case, which
 * takes less than half the time of ILIKE. Only the latter folds all letters beyond ASCII like other conditions.
 */
function containsWords(sql: SqlText, words: string): (text: string) => string {
  if (ASCII.test(words)) {
    const pattern = sql.bind(`(?i)${escapedRegex(words)}`);
    return (text) => `regexp_matches(${text}, ${pattern})`;
  }
  const sought = `lower(${sql.bind(words)})`;
  return (text) => `contains(lower(${text}), ${sought})`;
}

type Cidr = Extract<FieldCondition, { op: "cidr" }>;

function cidrSql(sql: SqlText, { field, value }: Cidr): string {
  const network = parseCidr(value);
  if (!network) return "FALSE";
  const isIn = networkSql(network);
  const place = fieldValue(sql, field);
  if (place.type === "keywords") return anyElementSql(place.sql, isIn);
  return anySql(place, isIn);
}

function existsSql(value: Value): string {
  return value.type === "keywords"
    ? `coalesce(len(${value.sql}), 0) > 0`
    : `${value.sql} IS NOT NULL`;
}

function likeSql(sql: SqlText, field: string, value: string): string {
  const place = fieldValue(sql, field);
  const isLike = wildcardSql(sql, value);
  if (place.type === "keyword") return anySql(place, isLike);
  if (place.type === "keywords") return anyElementSql(place.sql, isLike);
  const ofColumn = isLike(`CAST(${place.sql} AS VARCHAR)`);
  if (!mayBeInList(sql, field)) return ofColumn;
  return `(${ofColumn} OR ${likeSql(sql, ignoredField(field), value)})`;
}

/**
 * Matches `*` in time that is linear in the text. LIKE is fastest, but with an underscore or an escape it backtracks, which
 * can take hours: those patterns are matched by RE2.
 */
function wildcardSql(sql: SqlText, value: string): (text: string) => string {
  if (!/[%_]/.test(value)) {
    const pattern = sql.bind(value.replaceAll("*", "%"));
    return (text) => `lower(${text}) LIKE lower(${pattern})`;
  }
  const pattern = sql.bind(value.split("*").map(escapedRegex).join(".*"));
  return (text) => `regexp_full_match(lower(${text}), lower(${pattern}), 's')`;
}

function escapedRegex(text: string): string {
  return text.replaceAll(/[\\^$.|?+()[\]{}]/g, (character) => `\\${character}`);
}

/** The separator of lists in a text column. */
export const SEPARATOR_SQL = `chr(${LIST_SEPARATOR})`;

/** Whether the condition holds for the text, or for an element of a list. */
function anySql({ sql, items, mayBeList }: Value, holds: (text: string) => string): string {
  if (mayBeList) {
    const elements = `string_split(${sql}, ${SEPARATOR_SQL})`;
    const isAny = `len(list_filter(${elements}, lambda x: ${holds("x")})) > 0`;
    return `(${holds(sql)} OR (contains(${sql}, ${SEPARATOR_SQL}) AND ${isAny}))`;
  }
  if (items === undefined) return holds(sql);
  return `(CASE WHEN ${items} IS NULL THEN ${holds(sql)} ELSE ${anyElementSql(items, holds)} END)`;
}

const anyElementSql = (list: string, holds: (text: string) => string): string =>
  `len(list_filter(${list}, lambda x: ${holds("x")})) > 0`;

/** Without the check, DuckDB would read words such as "nan" as numbers. */
const numberSql = (text: string): string =>
  `CASE WHEN regexp_full_match(${text}, '${NUMBER_TEXT}') THEN TRY_CAST(${text} AS DOUBLE) END`;

type Comparison = Extract<FieldCondition, { op: keyof typeof COMPARISONS }>;

function compareSql(sql: SqlText, condition: Comparison): string {
  const { field, op, value } = condition;
  const place = fieldValue(sql, field);
  const operator = COMPARISONS[op];
  const isEqual = op === "eq" || op === "ne";
  if (place.type === "keywords" && isEqual) {
    return `list_contains(${place.sql}, ${sql.bind(String(value))})`;
  }
  if (place.type === "keyword" && isEqual) {
    const bound = sql.bind(String(value));
    return anySql(place, (one) => `${one} = ${bound}`);
  }
  if (place.type === "keyword") {
    const number = sql.number(numberOf(field, value));
    return anySql(place, (one) => `${numberSql(one)} ${operator} ${number}`);
  }
  if (place.type === "keywords") throw notComparable(field);
  if (place.type === "boolean") return `${place.sql} = ${booleanOf(field, value)}`;
  if (place.type === "date") return `${place.sql} ${operator} ${instant(instantOf(field, value))}`;
  const ofColumn = `${place.sql} ${operator} ${sql.number(numberOf(field, value))}`;
  if (!mayBeInList(sql, field)) return ofColumn;
  return `(${ofColumn} OR ${compareSql(sql, { ...condition, field: ignoredField(field) })})`;
}

/** A column of numbers has the first one of a list; all are beside it. */
const mayBeInList = ({ hasNumberLists }: SqlText, field: string): boolean =>
  hasNumberLists && isNumber(field);
