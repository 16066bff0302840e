import { isField } from "#collectors/batch.ts";
import { FIELDS } from "#collectors/fields.ts";
import { AppError } from "#platform/errors.ts";

import type { Filter, TimeRange } from "../filter.ts";
import { BUCKET_MIN, LN_GAMMA, LOWEST_NS, NS_PER_MS } from "../live/latency-sketch.ts";
import { identifier } from "./duck.ts";
import {
  fieldText,
  fieldValue,
  filterSql,
  SqlText,
  type Statement,
  timeSql,
} from "./filter-sql.ts";
import type { Aggregate, AggregateRequest, CellsRequest } from "./port.ts";

const LIMIT_MAX = 10_000;

/** Columns of the answer: bucket start (ms), split value, latency bucket, value. */
export function aggregateSql(request: AggregateRequest, files: string): Statement {
  const sql = new SqlText();
  const where = `${timeSql(request)} AND ${filterSql(sql, request.where)}${measured(request.aggregate)}`;
  const bucket = bucketSql(`epoch_ms(${identifier("@timestamp")})`, request);
  const latency = request.aggregate.kind === "latency" ? LATENCY_BUCKET : "NULL";
  const value = valueSql(sql, request.aggregate);
  if (!request.by) {
    const text = `SELECT ${bucket} AS t, NULL AS split, ${latency} AS bucket, ${value} AS value
      FROM ${files} WHERE ${where} GROUP BY ALL ORDER BY t, bucket`;
    return { text, parameters: sql.parameters };
  }
  const split = fieldText(sql, request.by.field);
  const limit = checkedLimit(request.by.limit);
  const text = `WITH top AS (
      SELECT ${split} AS name, count(*) AS events FROM ${files} WHERE ${where}
      GROUP BY name ORDER BY events DESC, name LIMIT ${limit}
    ), picked AS (
      SELECT *, ${split} AS split FROM ${files} WHERE ${where}
    )
    SELECT ${bucket} AS t, split, ${latency} AS bucket, ${value} AS value
    FROM picked JOIN top ON picked.split IS NOT DISTINCT FROM top.name
    GROUP BY t, split, bucket, top.events ORDER BY t, top.events DESC, split, bucket`;
  return { text, parameters: sql.parameters };
}

/** Columns of the answer: the value and how often it occurs. */
export function facetSql(
  request: TimeRange & { where: Filter; limit: number },
  field: string,
  files: string,
): Statement {
  const sql = new SqlText();
  const isList = isField(field) && FIELDS[field] === "keywords";
  const name = isList ? `unnest(${identifier(field)})` : fieldText(sql, field);
  const where = `${timeSql(request)} AND ${filterSql(sql, request.where)}`;
  const text = `SELECT name, count(*) AS events
    FROM (SELECT ${name} AS name FROM ${files} WHERE ${where})
    WHERE name IS NOT NULL GROUP BY name ORDER BY events DESC, name
    LIMIT ${checkedLimit(request.limit)}`;
  return { text, parameters: sql.parameters };
}

/** Columns of the answer: bucket start (ms), dataset, measure, key, value, sketches. */
export function cellsSql(request: CellsRequest, files: string): Statement {
  const sql = new SqlText();
  const from = Math.ceil(request.fromMs / 1000);
  const to = Math.ceil(request.toMs / 1000);
  const measures = request.measures.map((measure) => sql.bind(measure)).join(", ");
  const dataset = request.dataset === undefined ? "" : `AND dataset = ${sql.bind(request.dataset)}`;
  const key = request.byKey === false ? "''" : "key";
  const text = `SELECT ${bucketSql("t * 1000", request)} AS bucket, dataset, measure, ${key} AS name,
      sum(value), list(sketch) FILTER (WHERE sketch IS NOT NULL)
    FROM ${files}
    WHERE level_s = ${sql.number(request.levelS)} AND measure IN (${measures})
      AND t >= ${sql.number(from)} AND t < ${sql.number(to)} ${dataset}
    GROUP BY ALL ORDER BY bucket`;
  return { text, parameters: sql.parameters };
}

export function checkedLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 0 && limit <= LIMIT_MAX) return limit;
  throw new AppError("bad_request", `limit is a whole number up to ${LIMIT_MAX}: ${limit} is not`);
}

function bucketSql(ms: string, request: { stepMs?: number; fromMs: number }): string {
  const { stepMs, fromMs } = request;
  if (stepMs === undefined) return String(Math.ceil(fromMs));
  if (!Number.isSafeInteger(stepMs) || stepMs <= 0) {
    throw new AppError("bad_request", `stepMs is a whole number above 0: ${stepMs} is not`);
  }
  // The remainder of a division is negative before 1970; added once more it is the distance from the bucket's start.
  return `(${ms}) - ((${ms}) % ${stepMs} + ${stepMs}) % ${stepMs}`;
}

const DURATION = identifier("event.duration");
const LATENCY_BUCKET = `(CASE WHEN ${DURATION} <= ${LOWEST_NS} THEN ${BUCKET_MIN}
  ELSE CAST(ceil(ln(${DURATION} / ${NS_PER_MS}::DOUBLE) / ${LN_GAMMA}::DOUBLE) AS BIGINT) END)`;

/** Of durations only those that were measured: a negative one was not. */
function measured(aggregate: Aggregate): string {
  return aggregate.kind === "latency" ? ` AND ${DURATION} >= 0` : "";
}

function valueSql(sql: SqlText, aggregate: Aggregate): string {
  if (aggregate.kind === "sum") {
    const value = fieldValue(sql, aggregate.field);
    if (value.type === "keywords" || value.type === "date" || value.type === "boolean") {
      throw new AppError("bad_request", `${aggregate.field} is no number: it has no sum`);
    }
    return `coalesce(sum(TRY_CAST(${value.sql} AS DOUBLE)), 0)`;
  }
  if (aggregate.kind === "distinct") {
    const fields = aggregate.fields.map((field) => fieldText(sql, field));
    if (fields.length === 0) throw new AppError("bad_request", "distinct needs a field");
    return `count(DISTINCT hash(${fields.join(", ")})) FILTER (WHERE coalesce(${fields.join(", ")}) IS NOT NULL)`;
  }
  return "count(*)";
}
