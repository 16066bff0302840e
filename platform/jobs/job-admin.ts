import { z } from "zod";

import type { Queryable } from "../postgres/database.ts";

export const JOB_STATES = ["waiting", "running", "failed"] as const;
type JobState = (typeof JOB_STATES)[number];

const StoredJob = z.object({
  id: z.number(),
  kind: z.string(),
  payload: z.unknown(),
  state: z.enum(JOB_STATES),
  attempts: z.number(),
  created_at: z.date().nullable(),
  run_at: z.date(),
  failed_at: z.date().nullable(),
  last_error: z.string().nullable(),
});
export type StoredJob = z.infer<typeof StoredJob>;

/** $1 is the time. A job with an expired lease is waiting, because its process has died. */
const STATES: Readonly<Record<JobState, string>> = {
  failed: "failed_at IS NOT NULL",
  running: "failed_at IS NULL AND leased_until > $1",
  waiting: "failed_at IS NULL AND (leased_until IS NULL OR leased_until <= $1)",
};
const SELECT = `SELECT id, kind, payload, attempts, created_at, run_at, failed_at, last_error,
  CASE WHEN ${STATES.failed} THEN 'failed' WHEN ${STATES.running} THEN 'running' ELSE 'waiting' END AS state FROM jobs`;

type Page = { state: JobState | undefined; afterId: number; limit: number; nowMs: number };

/** Jobs in the order in which they were added. */
export async function listJobs(
  db: Queryable,
  { state, afterId, limit, nowMs }: Page,
): Promise<StoredJob[]> {
  const inState = state === undefined ? "true" : STATES[state];
  const sql = `${SELECT} WHERE ${inState} AND id > $2 ORDER BY id LIMIT $3`;
  const rows = await db.query(sql, [new Date(nowMs), afterId, limit]);
  return rows.map((row) => StoredJob.parse(row));
}

export async function findJob(
  db: Queryable,
  id: number,
  nowMs: number,
): Promise<StoredJob | undefined> {
  const [row] = await db.query(`${SELECT} WHERE id = $2`, [new Date(nowMs), id]);
  return row && StoredJob.parse(row);
}

/** Locks the job: no runner claims it until the transaction ends. */
export async function lockJob(
  tx: Queryable,
  id: number,
  nowMs: number,
): Promise<StoredJob | undefined> {
  const [row] = await tx.query(`${SELECT} WHERE id = $2 FOR UPDATE`, [new Date(nowMs), id]);
  return row && StoredJob.parse(row);
}

/** Makes the job due immediately, with all its attempts. */
export const resetJob = (tx: Queryable, id: number, nowMs: number): Promise<unknown> =>
  tx.query("UPDATE jobs SET failed_at = NULL, attempts = 0, run_at = $2 WHERE id = $1", [
    id,
    new Date(nowMs),
  ]);

export const dropJob = (tx: Queryable, id: number): Promise<unknown> =>
  tx.query("DELETE FROM jobs WHERE id = $1", [id]);
