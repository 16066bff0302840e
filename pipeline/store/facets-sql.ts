import { isField } from "#collectors/batch.ts";
import { FIELDS, holdsLists } from "#collectors/fields.ts";

import type { StoreFilter } from "../filter.ts";
import { checkedLimit } from "./check-request.ts";
import { identifier } from "./duck.ts";
import type { RangeSql } from "./event-range.ts";
import { filterSql, SEPARATOR_SQL, splitValue, SqlText, type Statement } from "./filter-sql.ts";

type Request = { where: StoreFilter; limit: number };

const isList = (field: string): boolean => isField(field) && FIELDS[field] === "keywords";

/** The fields with one value per event, and those that may have several. */
export function facetKinds(fields: readonly string[]): { single: string[]; lists: string[] } {
  const different = [...new Set(fields)];
  return {
    single: different.filter((field) => !isList(field)),
    lists: different.filter(isList),
  };
}

/**
 * Counts the values of several fields in one scan of the events. Columns of the result: number of the field, the value
 * as text, and its count; most frequent first within a field. Events are counted by the whole text of a field; lists
 * among these few texts are then split, so that each element counts.
 */
export function facetsSql(request: Request, fields: readonly string[], range: RangeSql): Statement {
  const sql = new SqlText(range);
  const values = fields.map((field) => splitValue(sql, field));
  const names = fields.map((_, i) => `v${i}`);
  const where = `${range.where} AND ${filterSql(sql, request.where)}`;
  const number = names.map((name, i) => `WHEN ${name} IS NOT NULL THEN ${i}`).join(" ");
  const texts = names.map((name) => `CAST(${name} AS VARCHAR)`).join(", ");
  const counted = `SELECT ${names.join(", ")}, CASE ${number} END AS number,
      coalesce(${texts}) AS value, count(*) AS events
    FROM (
      SELECT ${values.map((value, i) => `${value} AS v${i}`).join(", ")}
      FROM ${range.from} WHERE ${where}
    ) GROUP BY GROUPING SETS (${names.map((name) => `(${name})`).join(", ")})`;
  const text = `WITH counted AS (${counted}), split AS (${splitSql(fields)})
    SELECT number, value, events FROM (
      SELECT number, value, events,
        row_number() OVER (PARTITION BY number ORDER BY events DESC, ${orderOf(fields)}) AS place
      FROM split WHERE value IS NOT NULL
    ) WHERE place <= ${checkedLimit(request.limit)} ORDER BY number, place`;
  return { text, parameters: sql.parameters };
}

/** The names of the columns of fields that have no lists, by which values of numbers are ordered. */
const plainNames = (fields: readonly string[]): string[] =>
  fields.flatMap((field, i) => (holdsLists(field) ? [] : [`v${i}`]));

const orderOf = (fields: readonly string[]): string => [...plainNames(fields), "value"].join(", ");

function splitSql(fields: readonly string[]): string {
  const numbers = fields.flatMap((field, i) => (holdsLists(field) ? [i] : []));
  if (numbers.length === 0) return "SELECT * FROM counted";
  const names = plainNames(fields).map((name) => `${name}, `);
  const hasElements = `number IN (${numbers.join(", ")}) AND contains(value, ${SEPARATOR_SQL})`;
  const elements = `list_distinct(string_split(value, ${SEPARATOR_SQL}))`;
  return `SELECT ${names.join("")}number, value, CAST(sum(events) AS BIGINT) AS events FROM (
      SELECT ${names.join("")}number, events,
        unnest(CASE WHEN ${hasElements} THEN ${elements} ELSE [value] END) AS value
      FROM counted
    ) GROUP BY ${names.join("")}number, value`;
}

/** The same for one field of lists, each element of which counts. */
export function listFacetSql(request: Request, field: string, range: RangeSql): Statement {
  const sql = new SqlText(range);
  const where = `${range.where} AND ${filterSql(sql, request.where)}`;
  const text = `SELECT 0, value, count(*) AS events
    FROM (SELECT unnest(${identifier(field)}) AS value FROM ${range.from} WHERE ${where})
    WHERE value IS NOT NULL GROUP BY value ORDER BY events DESC, value
    LIMIT ${checkedLimit(request.limit)}`;
  return { text, parameters: sql.parameters };
}
