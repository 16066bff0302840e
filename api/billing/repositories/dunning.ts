import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { DunningPolicy } from "../domain/dunning.ts";
import { TimeMs, parseRows } from "./rows.ts";

const PolicyRow = z
  .object({
    retry_days: z.array(z.number()),
    finally: z.enum(["cancel", "unpaid"]),
    version: z.number(),
  })
  .transform(({ retry_days: retryDays, ...row }) => ({ ...row, retryDays }));
export type StoredPolicy = DunningPolicy & { version: number };
const POLICY = "retry_days, finally, version";

const onePolicy = (rows: readonly unknown[]): StoredPolicy => {
  const [policy] = parseRows(PolicyRow, rows);
  if (policy === undefined) throw new Error("the dunning policy is gone: one row must be there");
  return policy;
};

export async function readPolicy(db: Queryable): Promise<StoredPolicy> {
  return onePolicy(await db.query(`SELECT ${POLICY} FROM dunning_policy`));
}

export async function lockPolicy(tx: Queryable): Promise<StoredPolicy> {
  return onePolicy(await tx.query(`SELECT ${POLICY} FROM dunning_policy FOR UPDATE`));
}

export async function savePolicy(tx: Queryable, it: DunningPolicy): Promise<StoredPolicy> {
  return onePolicy(
    await tx.query(
      `UPDATE dunning_policy SET retry_days = $1, finally = $2, version = version + 1 RETURNING ${POLICY}`,
      [it.retryDays, it.finally],
    ),
  );
}

export const DUNNING_STATUSES = ["active", "recovered", "exhausted"] as const;
const RunRow = z
  .object({
    invoice_id: z.string(),
    subscription_id: z.string(),
    customer_id: z.string(),
    status: z.enum(DUNNING_STATUSES),
    started_at: TimeMs,
    retries: z.number(),
    next_at: TimeMs.nullable(),
  })
  .transform((row) => ({
    invoiceId: row.invoice_id,
    subscriptionId: row.subscription_id,
    customerId: row.customer_id,
    status: row.status,
    startedMs: row.started_at,
    /** How many were made. */
    retries: row.retries,
    nextMs: row.next_at,
  }));
/** How the collection of one invoice is going that failed at first. */
export type DunningRun = z.output<typeof RunRow>;
const RUN = "invoice_id, subscription_id, customer_id, status, started_at, retries, next_at";
const runsOf = (rows: readonly unknown[]): DunningRun[] => parseRows(RunRow, rows);

/** Its invoice must be locked when it is to be changed. */
export async function findRun(db: Queryable, invoiceId: string): Promise<DunningRun | undefined> {
  const rows = await db.query(`SELECT ${RUN} FROM dunning WHERE invoice_id = $1`, [invoiceId]);
  return runsOf(rows)[0];
}

export async function saveRun(tx: Queryable, it: DunningRun, nowMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO dunning (invoice_id, subscription_id, customer_id, status, started_at, retries, next_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (invoice_id) DO UPDATE SET status = $4, started_at = $5, retries = $6, next_at = $7, updated_at = $8`,
    [
      it.invoiceId,
      it.subscriptionId,
      it.customerId,
      it.status,
      new Date(it.startedMs),
      it.retries,
      it.nextMs === null ? null : new Date(it.nextMs),
      new Date(nowMs),
    ],
  );
}

/** Newest first; one more than `limit`. */
export async function listRuns(
  db: Queryable,
  it: {
    status: string | undefined;
    limit: number;
    after: readonly [startedMs: number, id: string];
  },
): Promise<DunningRun[]> {
  return runsOf(
    await db.query(
      `SELECT ${RUN} FROM dunning
       WHERE ($1::text IS NULL OR status = $1) AND (started_at, invoice_id) < ($2, $3)
       ORDER BY started_at DESC, invoice_id DESC LIMIT $4`,
      [it.status ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
    ),
  );
}
