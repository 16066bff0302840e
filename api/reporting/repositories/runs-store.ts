import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { SOURCES } from "../domain/facts.ts";
import { type DataUntil, FORMATS, RUN_STATUSES } from "../domain/run.ts";

const time = z.date().transform((it) => it.getTime());
const Run = z
  .object({
    id: z.string(),
    report: z.string(),
    parameters: z.record(z.string(), z.string()),
    format: z.enum(FORMATS),
    schedule_id: z.string().nullable(),
    status: z.enum(RUN_STATUSES),
    as_of: time,
    created_at: time,
    finished_at: time.nullable(),
    data_until: z.partialRecord(z.enum(SOURCES), z.number().nullable()).nullable(),
    rows: z.number().nullable(),
    bytes: z.number().nullable(),
    error: z.string().nullable(),
    has_result: z.boolean(),
  })
  .transform((row) => ({
    id: row.id,
    report: row.report,
    parameters: row.parameters,
    format: row.format,
    scheduleId: row.schedule_id,
    status: row.status,
    /** Reference time of relative periods such as last-month. */
    asOfMs: row.as_of,
    createdAtMs: row.created_at,
    finishedAtMs: row.finished_at,
    dataUntil: row.data_until,
    rows: row.rows,
    bytes: row.bytes,
    error: row.error,
    hasResult: row.has_result,
  }));
export type Run = z.output<typeof Run>;

const COLUMNS = `id, report, parameters, format, schedule_id, status, as_of, created_at, finished_at, data_until, rows,
  bytes, error, result IS NOT NULL AS has_result`;

export type NewRun = Pick<
  Run,
  "id" | "report" | "parameters" | "format" | "scheduleId" | "asOfMs" | "createdAtMs"
>;

export async function insertRun(tx: Queryable, run: NewRun): Promise<Run> {
  const [row] = await tx.query(
    `INSERT INTO runs (id, report, parameters, format, schedule_id, status, as_of, created_at)
     VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7) RETURNING ${COLUMNS}`,
    [
      run.id,
      run.report,
      JSON.stringify(run.parameters),
      run.format,
      run.scheduleId,
      new Date(run.asOfMs),
      new Date(run.createdAtMs),
    ],
  );
  return Run.parse(row);
}

export async function findRun(db: Queryable, id: string): Promise<Run | undefined> {
  const [row] = await db.query(`SELECT ${COLUMNS} FROM runs WHERE id = $1`, [id]);
  return row && Run.parse(row);
}

/** The bytes of a result; undefined if there is none, or it was deleted. */
export async function resultOf(db: Queryable, id: string): Promise<Buffer | undefined> {
  const [row] = await db.query("SELECT result FROM runs WHERE id = $1", [id]);
  const result = row?.["result"];
  return Buffer.isBuffer(result) ? result : undefined;
}

export type RunsFilter = {
  /** Names of reports that the caller may read. */
  reports: readonly string[];
  report: string | undefined;
  status: string | undefined;
  scheduleId: string | undefined;
  after: { createdAtMs: number; id: string } | undefined;
  limit: number;
};

/** Newest first, one more than `limit`. */
export async function listRuns(db: Queryable, filter: RunsFilter): Promise<Run[]> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM runs WHERE report = ANY($1) AND ($2::text IS NULL OR report = $2)
       AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR schedule_id = $4)
       AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
     ORDER BY created_at DESC, id DESC LIMIT $7`,
    [
      filter.reports,
      filter.report ?? null,
      filter.status ?? null,
      filter.scheduleId ?? null,
      filter.after === undefined ? null : new Date(filter.after.createdAtMs),
      filter.after?.id ?? null,
      filter.limit + 1,
    ],
  );
  return rows.map((row) => Run.parse(row));
}

export type RunEnd =
  | { id: string; atMs: number; error: string }
  | { id: string; atMs: number; rows: number; result: Buffer; dataUntil: DataUntil };

/** Ends a waiting run; false when it has already ended. */
export async function endRun(tx: Queryable, end: RunEnd): Promise<boolean> {
  const failed = "error" in end;
  const rows = await tx.query(
    `UPDATE runs SET status = $2, finished_at = $3, error = $4, rows = $5, bytes = $6, result = $7, data_until = $8
     WHERE id = $1 AND status = 'waiting' RETURNING id`,
    [
      end.id,
      failed ? "failed" : "succeeded",
      new Date(end.atMs),
      failed ? end.error : null,
      failed ? null : end.rows,
      failed ? null : end.result.byteLength,
      failed ? null : end.result,
      failed ? null : JSON.stringify(end.dataUntil),
    ],
  );
  return rows.length === 1;
}

/** Deletes expired results, and later the runs. */
export async function deleteRuns(
  db: Queryable,
  before: { resultMs: number; runMs: number },
): Promise<void> {
  await db.query("UPDATE runs SET result = NULL WHERE result IS NOT NULL AND finished_at < $1", [
    new Date(before.resultMs),
  ]);
  await db.query("DELETE FROM runs WHERE status <> 'waiting' AND created_at < $1", [
    new Date(before.runMs),
  ]);
}
