import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const RefundRow = z
  .object({
    id: z.string(),
    payment_id: z.string(),
    customer_id: z.string(),
    currency: z.string(),
    reason: z.string(),
    status: z.enum(["pending", "succeeded", "failed"]),
    failure: z.string().nullable(),
    created_at: TimeMs,
    updated_at: TimeMs,
    amount: MoneyText,
  })
  .transform((row) => ({
    id: row.id,
    paymentId: row.payment_id,
    customerId: row.customer_id,
    currency: row.currency,
    amount: row.amount,
    reason: row.reason,
    status: row.status,
    failure: row.failure,
    createdMs: row.created_at,
    updatedMs: row.updated_at,
  }));
export type Refund = z.output<typeof RefundRow>;
const COLUMNS = columns(
  "id, payment_id, customer_id, currency, reason, status, failure, created_at, updated_at",
  "amount",
);
const refundsOf = (rows: readonly unknown[]): Refund[] => parseRows(RefundRow, rows);

const noRefund = (id: string): AppError => new AppError("not_found", `There is no refund ${id}.`);

export async function insertRefund(
  tx: Queryable,
  it: Omit<Refund, "status" | "failure" | "updatedMs">,
): Promise<Refund> {
  const rows = await tx.query(
    `INSERT INTO refunds (id, payment_id, customer_id, currency, amount, reason, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7) RETURNING ${COLUMNS}`,
    [
      it.id,
      it.paymentId,
      it.customerId,
      it.currency,
      it.amount.toString(),
      it.reason,
      new Date(it.createdMs),
    ],
  );
  const [refund] = refundsOf(rows);
  if (refund === undefined) throw noRefund(it.id);
  return refund;
}

/** Its payment must be locked when it is to be changed. */
export async function findRefund(db: Queryable, id: string): Promise<Refund | undefined> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM refunds WHERE id = $1`, [id]);
  return refundsOf(rows)[0];
}

/** @throws AppError not_found */
export async function readRefund(db: Queryable, id: string): Promise<Refund> {
  const refund = await findRefund(db, id);
  if (refund === undefined) throw noRefund(id);
  return refund;
}

export async function saveRefund(tx: Queryable, it: Refund, nowMs: number): Promise<void> {
  await tx.query("UPDATE refunds SET status = $2, failure = $3, updated_at = $4 WHERE id = $1", [
    it.id,
    it.status,
    it.failure,
    new Date(nowMs),
  ]);
}

/** Newest first, of one payment or of all; one more than `limit`. */
export async function listRefunds(
  db: Queryable,
  it: {
    paymentId: string | undefined;
    limit: number;
    after: readonly [createdMs: number, id: string];
  },
): Promise<Refund[]> {
  return refundsOf(
    await db.query(
      `SELECT ${COLUMNS} FROM refunds
       WHERE ($1::text IS NULL OR payment_id = $1) AND (created_at, id) < ($2, $3)
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [it.paymentId ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
    ),
  );
}
