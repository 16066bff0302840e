import { assertNever } from "#platform/errors.ts";

import { BUCKET_MIN, LN_GAMMA, LOWEST_NS, NS_PER_MS } from "../sketches/latency-sketch.ts";
import { checkAggregate, checkedLimit, checkedStep } from "./check-request.ts";
import { asNumber, identifier, quoted, type Row } from "./duck.ts";
import type { RangeSql } from "./event-range.ts";
import {
  splitValue,
  DATE_MS_MAX,
  fieldValue,
  filterSql,
  SqlText,
  type Statement,
} from "./filter-sql.ts";
import type { Aggregate, AggregateRequest, CellsRequest } from "./port.ts";

/** Splits with at most this many values are counted in one scan. */
const FEW_VALUES = 100;
const EVENTS_SAMPLED = 20_000;

/** Columns of the result: bucket start (ms), split value, and lists of the latency buckets and their values. */
export async function aggregateSql(
  request: AggregateRequest,
  range: RangeSql,
  read: (statement: Statement) => Promise<Row[]>,
): Promise<Statement> {
  checkAggregate(request.aggregate);
  const sql = new SqlText(range);
  const where = `${range.where} AND ${filterSql(sql, request.where)}${measured(sql, request.aggregate)}`;
  const events = range.from;
  const bucket = bucketSql(`epoch_ms(${identifier("@timestamp")})`, request);
  const latency = request.aggregate.kind === "latency" ? LATENCY_BUCKET : "NULL";
  const value = valueSql(sql, request.aggregate);
  if (!request.by) {
    const text = `SELECT t, NULL, list(bucket), list(value) FROM (
        SELECT ${bucket} AS t, ${latency} AS bucket, ${value} AS value
        FROM ${events} WHERE ${where} GROUP BY t, bucket
      ) GROUP BY t ORDER BY t`;
    return { text, parameters: sql.parameters };
  }
  const split = splitValue(sql, request.by.field);
  const limit = checkedLimit(request.by.limit);
  const parts = { where, split, limit, bucket, latency, value, events };
  const readHere = (text: string): Promise<Row[]> => read({ text, parameters: sql.parameters });
  const isOneScan =
    request.aggregate.kind !== "distinct" &&
    (request.stepMs === undefined || (range.isLarge && (await hasFewValues(parts, readHere))));
  const text = `WITH ${isOneScan ? countedThenTop(parts) : topThenCounted(parts)}
    SELECT t, split, list(bucket), list(value)
    FROM counted JOIN top ON split IS NOT DISTINCT FROM name
    GROUP BY t, split, top.events ORDER BY t, top.events DESC, split`;
  return { text, parameters: sql.parameters };
}

type SplitParts = Record<"where" | "split" | "bucket" | "latency" | "value" | "events", string> & {
  limit: number;
};

/** Whether the split has so few values that all of them can be counted in all steps. Most others are told by some events. */
async function hasFewValues(
  { where, split, events }: SplitParts,
  read: (text: string) => Promise<Row[]>,
): Promise<boolean> {
  for (const limit of [`LIMIT ${EVENTS_SAMPLED}`, ""]) {
    const some = `SELECT ${split} AS value FROM ${events} WHERE ${where} ${limit}`;
    const [row] = await read(`SELECT count(DISTINCT value), count(*) FROM (${some})`);
    if (asNumber(row?.[0]) > FEW_VALUES) return false;
    if (asNumber(row?.[1]) < EVENTS_SAMPLED) return true;
  }
  return true;
}

/** Counts every value of the split and keeps the most frequent: one scan of the events. */
function countedThenTop({
  where,
  split,
  limit,
  bucket,
  latency,
  value,
  events,
}: SplitParts): string {
  return `counted AS MATERIALIZED (
      SELECT ${bucket} AS t, ${split} AS split, ${latency} AS bucket, ${value} AS value,
        count(*) AS events
      FROM ${events} WHERE ${where} GROUP BY t, split, bucket
    ), top AS (
      SELECT split AS name, sum(events) AS events FROM counted
      GROUP BY name ORDER BY events DESC, name LIMIT ${limit}
    )`;
}

/** Finds the most frequent values first, because all of them in all steps might not fit into memory. */
function topThenCounted({
  where,
  split,
  limit,
  bucket,
  latency,
  value,
  events,
}: SplitParts): string {
  // IN never matches null, so null is tested separately.
  const isTop = `(${split} IN (SELECT name FROM top)
    OR (${split} IS NULL AND EXISTS (SELECT 1 FROM top WHERE name IS NULL)))`;
  return `top AS (
      SELECT ${split} AS name, count(*) AS events FROM ${events} WHERE ${where}
      GROUP BY name ORDER BY events DESC, name LIMIT ${limit}
    ), counted AS (
      SELECT ${bucket} AS t, ${split} AS split, ${latency} AS bucket, ${value} AS value
      FROM ${events} WHERE ${where} AND ${isTop}
      GROUP BY t, split, bucket
    )`;
}

/**
 * Columns of the result: bucket start (ms), dataset, measure, and lists of the keys, their values and their sketches.
 */
export function cellsSql(request: CellsRequest, files: string): Statement {
  const sql = new SqlText();
  const from = Math.ceil(request.fromMs / 1000);
  const to = Math.ceil(request.toMs / 1000);
  // Literals, so that DuckDB skips row groups without these measures by their statistics.
  const measures = [...new Set(request.measures)];
  const dataset = request.dataset === undefined ? "" : `AND dataset = ${sql.bind(request.dataset)}`;
  const key = request.byKey === false ? "''" : "key";
  // One row for all keys of a bucket, because passing a row to JavaScript costs more than its sum.
  const text = `SELECT bucket, dataset, measure, list(name), list(value), list(sketches) FROM (
    SELECT ${bucketSql("t * 1000", request)} AS bucket, dataset, measure, ${key} AS name,
      sum(value) AS value, list(sketch) FILTER (WHERE sketch IS NOT NULL) AS sketches
    FROM ${files}
    WHERE level_s = ${sql.number(request.levelS)} AND measure IN (${measures.map(quoted).join(", ")})
      AND t >= ${sql.number(from)} AND t < ${sql.number(to)} ${dataset}
    GROUP BY ALL) GROUP BY bucket, dataset, measure ORDER BY bucket`;
  return { text, parameters: sql.parameters };
}

function bucketSql(ms: string, request: { stepMs?: number; fromMs: number }): string {
  const { stepMs, fromMs } = request;
  if (stepMs === undefined) return String(Math.ceil(fromMs));
  const step = checkedStep(stepMs);
  // Divided are distances from the first bucket, which are positive: a division rounds towards zero.
  const first = Math.floor(Math.max(fromMs, -DATE_MS_MAX) / step) * step;
  return `${first} + ((${ms}) - ${first}) // ${step} * ${step}`;
}

const DURATION = identifier("event.duration");
const LATENCY_BUCKET = `(CASE WHEN ${DURATION} <= ${LOWEST_NS} THEN ${BUCKET_MIN}
  ELSE CAST(ceil(ln(${DURATION} / ${NS_PER_MS}::DOUBLE) / ${LN_GAMMA}::DOUBLE) AS BIGINT) END)`;

/** Only events with a value: a negative duration was not measured. */
function measured(sql: SqlText, aggregate: Aggregate): string {
  if (aggregate.kind === "latency") return ` AND ${DURATION} >= 0`;
  return aggregate.kind === "gauge" ? ` AND ${numberSql(sql, aggregate.field)} IS NOT NULL` : "";
}

function valueSql(sql: SqlText, aggregate: Aggregate): string {
  switch (aggregate.kind) {
    case "sum":
      return `coalesce(sum(${numberSql(sql, aggregate.field)}), 0)`;
    case "gauge":
      return gaugeSql(numberSql(sql, aggregate.field));
    case "distinct":
      return distinctSql(aggregate.fields.map((field) => splitValue(sql, field)));
    case "count":
    case "latency":
      return "count(*)";
    default:
      return assertNever(aggregate);
  }
}

function numberSql(sql: SqlText, field: string): string {
  return `TRY_CAST(${fieldValue(sql, field).sql} AS DOUBLE)`;
}

/** Columns in the order of `aggregateRows`. Of several values at the same time the largest counts as the last. */
function gaugeSql(value: string): string {
  const last = `max({t: epoch_ms(${identifier("@timestamp")}), v: ${value}})`;
  return `[count(*)::DOUBLE, (${last}).t::DOUBLE, (${last}).v,
    min(${value}), max(${value}), sum(${value})]`;
}

function distinctSql(fields: readonly string[]): string {
  return `count(DISTINCT hash(${fields.join(", ")})) FILTER (WHERE coalesce(${fields.join(", ")}) IS NOT NULL)`;
}
