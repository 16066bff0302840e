import type { StoreFilter } from "../filter.ts";
import { quoted } from "./duck.ts";
import { filterSql, instant, SqlText, type Statement } from "./filter-sql.ts";
import type { RewriteRequest } from "./port.ts";
import type { Segment } from "./segment-footer.ts";

/** Whether the segment may have matching events, as far as its footer tells. */
export function mayHave(
  segment: Segment,
  { where, fromMs = Number.NEGATIVE_INFINITY }: RewriteRequest,
): boolean {
  const of = datasetsOf(where);
  return segment.extents.some(({ dataset, toMs }) => toMs >= fromMs && (of?.has(dataset) ?? true));
}

/** The datasets to which the conditions limit the events; undefined if they do not. */
function datasetsOf(where: StoreFilter): Set<string> | undefined {
  for (const condition of where) {
    if (condition.op !== "eq" || condition.field !== "data_stream.dataset") continue;
    return new Set([String(condition.value)]);
  }
  return undefined;
}

/** Whether an event of the segment matches. */
export function matchesSql(segment: Segment, { where, fromMs }: RewriteRequest): Statement {
  const sql = new SqlText({ hasNumberLists: segment.hasNumberLists === true });
  const since = fromMs === undefined ? "TRUE" : `"@timestamp" >= ${instant(fromMs)}`;
  return { text: `(${filterSql(sql, where)} AND ${since})`, parameters: sql.parameters };
}

/** Whether the column has one of these values. */
export const isOneOf = (column: string, datasets: readonly string[]): string =>
  `coalesce("${column}" IN (${datasets.map(quoted).join(", ")}), FALSE)`;

/** Whether the column has none of these values. */
export const noneOf = (column: string, datasets: readonly string[]): Statement => ({
  text: `NOT ${isOneOf(column, datasets)}`,
  parameters: [],
});
