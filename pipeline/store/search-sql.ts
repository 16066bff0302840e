import { isExtra } from "#collectors/batch.ts";
import { EXTRA_FIELD, FIELDS, type FieldType, textOrList } from "#collectors/fields.ts";
import { addRelated } from "#collectors/related.ts";

import { checkedLimit } from "./check-request.ts";
import { asNumber, asText, identifier, type Row } from "./duck.ts";
import { filterSql, instant, SqlText, type Statement, timeSql } from "./filter-sql.ts";
import { cutJsonSql, cutListSql, cutTextSql } from "./long-text.ts";
import type { EventDocument, EventId, SearchRequest } from "./port.ts";

const SOURCE = identifier("log.source.id");
const OFFSET = identifier("log.offset");
const TIME = identifier("@timestamp");
const COLUMNS: readonly [name: string, type: FieldType][] = [
  ...Object.entries(FIELDS),
  [EXTRA_FIELD, "keyword"],
];
const valueOf = ([name, type]: (typeof COLUMNS)[number]): string =>
  type === "date" ? `epoch_ms(${identifier(name)})` : identifier(name);
const WHOLE = COLUMNS.map(valueOf).join(", ");
const CUT = COLUMNS.map(([name, type]) => {
  const value = valueOf([name, type]);
  if (name === EXTRA_FIELD) return cutJsonSql(value, EXTRA_FIELD);
  if (type === "keywords") return cutListSql(value);
  return type === "keyword" ? cutTextSql(value) : value;
}).join(", ");

/** Files to search; `mayHaveLongTexts`: whether a text may be longer than those that are shown whole. */
export type SearchedFiles = { files: string; mayHaveLongTexts: boolean; hasNumberLists: boolean };

/** The newest events, unordered. */
export function searchSql(
  request: SearchRequest,
  { files, mayHaveLongTexts, hasNumberLists }: SearchedFiles,
): Statement {
  const selected = mayHaveLongTexts ? CUT : WHOLE;
  return findSql(request, files, { selected, isOldestFirst: false, hasNumberLists });
}

type Found = { selected: string; isOldestFirst: boolean; hasNumberLists: boolean };

/**
 * What is selected of the first events, unordered: sorting whole rows would require memory for all of their texts at once.
 * Events of the same time are chosen by source and offset, so that paging is exact. The events are found with the columns of
 * the conditions; the other columns are read only for these events.
 */
export function findSql(
  request: SearchRequest,
  files: string,
  { selected, isOldestFirst, hasNumberLists }: Found,
): Statement {
  const sql = new SqlText({ hasNumberLists });
  const where = [timeSql(request), filterSql(sql, request.where)];
  if (request.after) where.push(behindSql(request.after, sql, isOldestFirst ? ">" : "<"));
  const order = [TIME, SOURCE, OFFSET].map((name) => `${name} ${isOldestFirst ? "ASC" : "DESC"}`);
  // With the time in the join, DuckDB can skip row groups.
  const text = `WITH found AS MATERIALIZED (
      SELECT file_index AS found_file, file_row_number AS found_row, ${TIME} AS found_time
      FROM ${files} WHERE ${where.join(" AND ")}
      ORDER BY ${order.join(", ")} LIMIT ${checkedLimit(request.limit)}
    )
    SELECT ${selected} FROM ${files} JOIN found
      ON file_index = found_file AND file_row_number = found_row AND ${TIME} = found_time`;
  return { text, parameters: sql.parameters };
}

/** The event with this id, or what is selected of it. */
export function eventSql(id: EventId, files: string, selected = WHOLE): Statement {
  const sql = new SqlText();
  const { source, offset } = idParts(id);
  const text = `SELECT ${selected} FROM ${files}
    WHERE ${SOURCE} = ${sql.bind(source)} AND ${OFFSET} = ${sql.number(offset)} LIMIT 1`;
  return { text, parameters: sql.parameters };
}

export function idParts(id: EventId): { source: string; offset: number } {
  const colon = id.lastIndexOf(":");
  return { source: id.slice(0, colon), offset: Number(id.slice(colon + 1)) };
}

/** Sorts and merges partial answers to the same request, each from some of the files. */
export function joinFound(answers: readonly (readonly Row[])[], limit: number): Row[] {
  return answers.flat().toSorted(compareRows).slice(0, limit);
}

/** Epoch ms of a row of `searchSql`. */
export function timeOfRow(row: Row): number {
  return asNumber(row[TIME_AT]);
}

const NAMES = COLUMNS.map(([name]) => name);
const TIME_AT = NAMES.indexOf("@timestamp");
const SOURCE_AT = NAMES.indexOf("log.source.id");
const OFFSET_AT = NAMES.indexOf("log.offset");

/** Newest first; events of the same time by source and offset. */
function compareRows(a: Row, b: Row): number {
  const times = timeOfRow(b) - timeOfRow(a);
  if (times !== 0) return times;
  const [first, second] = [asText(a[SOURCE_AT]) ?? "", asText(b[SOURCE_AT]) ?? ""];
  if (first !== second) return first < second ? 1 : -1;
  return asNumber(b[OFFSET_AT]) - asNumber(a[OFFSET_AT]);
}

/** A row of `searchSql` as a document, in the shape of `toDocument` (collectors/document.ts). */
export function documentOf(row: Row): EventDocument {
  const fields: Record<string, unknown> = Object.create(null);
  let source = "";
  let offset = 0;
  for (const [i, [name, type]] of COLUMNS.entries()) {
    const value = row[i];
    if (value === null || value === undefined) continue;
    if (name === EXTRA_FIELD) addExtras(fields, asText(value) ?? "");
    else if (type === "date") fields[name] = new Date(asNumber(value)).toISOString();
    else if (typeof value === "string") fields[name] = textOrList(name, value);
    else fields[name] = typeof value === "bigint" ? Number(value) : value;
    if (name === "log.source.id") source = asText(value) ?? "";
    else if (name === "log.offset") offset = asNumber(value);
  }
  addRelated(fields);
  return { id: `src_${source.replace(/^src_/, "")}:${offset}`, fields };
}

function addExtras(fields: Record<string, unknown>, text: string): void {
  for (const [name, value] of Object.entries(parsedObject(text))) {
    if (isExtra(name)) fields[name] ??= value;
  }
}

function parsedObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    // Invalid JSON is returned as text, so that it does not affect other events of the page.
    return { [`${EXTRA_FIELD}.invalid`]: `${text} (${String(error)})` };
  }
}

function behindSql(
  after: NonNullable<SearchRequest["after"]>,
  sql: SqlText,
  is: "<" | ">",
): string {
  const { source, offset } = idParts(after.id);
  const time = instant(after.tMs);
  const boundSource = sql.bind(source);
  const boundOffset = sql.number(offset);
  return `(${TIME} ${is} ${time} OR (${TIME} = ${time} AND (${SOURCE} ${is} ${boundSource}
    OR (${SOURCE} = ${boundSource} AND ${OFFSET} ${is} ${boundOffset}))))`;
}
