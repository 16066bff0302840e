import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { FORMATS, RUN_STATUSES } from "../domain/run.ts";

const time = z.date().transform((it) => it.getTime());
const Schedule = z
  .object({
    id: z.string(),
    name: z.string(),
    report: z.string(),
    parameters: z.record(z.string(), z.string()),
    format: z.enum(FORMATS),
    cron: z.string(),
    time_zone: z.string(),
    paused: z.boolean(),
    next_at: time.nullable(),
    last_run_id: z.string().nullable(),
    last_run_status: z.enum(RUN_STATUSES).nullable(),
    version: z.number(),
    created_at: time,
    updated_at: time,
  })
  .transform((row) => ({
    id: row.id,
    name: row.name,
    report: row.report,
    parameters: row.parameters,
    format: row.format,
    cron: row.cron,
    timeZone: row.time_zone,
    paused: row.paused,
    /** Epoch ms; null while it is paused. */
    nextAtMs: row.next_at,
    lastRunId: row.last_run_id,
    lastRunStatus: row.last_run_status,
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }));
export type Schedule = z.output<typeof Schedule>;

const COLUMNS = `id, name, report, parameters, format, cron, time_zone, paused, next_at, last_run_id, version, created_at,
  updated_at, (SELECT status FROM runs WHERE runs.id = last_run_id) AS last_run_status`;

/** The editable fields of a schedule. */
export type ScheduleContent = Pick<
  Schedule,
  "name" | "report" | "parameters" | "format" | "cron" | "timeZone" | "paused"
>;
type Written = ScheduleContent & { id: string; nextAtMs: number | null; nowMs: number };

const valuesOf = (it: Written): unknown[] => [
  it.id,
  it.name,
  it.report,
  JSON.stringify(it.parameters),
  it.format,
  it.cron,
  it.timeZone,
  it.paused,
  it.nextAtMs === null ? null : new Date(it.nextAtMs),
  new Date(it.nowMs),
];

export async function insertSchedule(tx: Queryable, it: Written): Promise<Schedule> {
  const [row] = await tx.query(
    `INSERT INTO schedules (id, name, report, parameters, format, cron, time_zone, paused, next_at, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING ${COLUMNS}`,
    valuesOf(it),
  );
  return Schedule.parse(row);
}

export async function updateSchedule(tx: Queryable, it: Written): Promise<Schedule> {
  const [row] = await tx.query(
    `UPDATE schedules SET name = $2, report = $3, parameters = $4, format = $5, cron = $6, time_zone = $7, paused = $8,
       next_at = $9, updated_at = $10, version = version + 1 WHERE id = $1 RETURNING ${COLUMNS}`,
    valuesOf(it),
  );
  return Schedule.parse(row);
}

export async function findSchedule(db: Queryable, id: string): Promise<Schedule | undefined> {
  const [row] = await db.query(`SELECT ${COLUMNS} FROM schedules WHERE id = $1`, [id]);
  return row && Schedule.parse(row);
}

/** The schedule, locked until the transaction ends. */
export async function lockSchedule(tx: Queryable, id: string): Promise<Schedule | undefined> {
  const [row] = await tx.query(`SELECT ${COLUMNS} FROM schedules WHERE id = $1 FOR UPDATE`, [id]);
  return row && Schedule.parse(row);
}

/** Newest first, one more than `limit`; only reports that the caller may read. */
export async function listSchedules(
  db: Queryable,
  filter: {
    reports: readonly string[];
    after: { createdAtMs: number; id: string } | undefined;
    limit: number;
  },
): Promise<Schedule[]> {
  const { reports, after, limit } = filter;
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM schedules WHERE report = ANY($1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
     ORDER BY created_at DESC, id DESC LIMIT $4`,
    [
      reports,
      after === undefined ? null : new Date(after.createdAtMs),
      after?.id ?? null,
      limit + 1,
    ],
  );
  return rows.map((row) => Schedule.parse(row));
}

/** Records a run and the next time; the editable fields and the version stay unchanged. */
export async function scheduleHasRun(
  tx: Queryable,
  it: { id: string; runId: string; nextAtMs: number | null },
): Promise<void> {
  await tx.query("UPDATE schedules SET last_run_id = $2, next_at = $3 WHERE id = $1", [
    it.id,
    it.runId,
    it.nextAtMs === null ? null : new Date(it.nextAtMs),
  ]);
}

export async function deleteSchedule(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM schedules WHERE id = $1", [id]);
}
