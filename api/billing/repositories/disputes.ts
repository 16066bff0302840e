import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { DISPUTE_STATUSES } from "../domain/disputes.ts";
import { type Money, ZERO } from "../domain/money.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const Evidence = z.record(z.string(), z.string());
const DisputeRow = z
  .object({
    id: z.string(),
    payment_id: z.string(),
    customer_id: z.string(),
    gateway: z.string(),
    gateway_dispute_id: z.string(),
    currency: z.string(),
    reason: z.string(),
    status: z.enum(DISPUTE_STATUSES),
    evidence: Evidence.nullable(),
    evidence_due_by: TimeMs,
    opened_at: TimeMs,
    closed_at: TimeMs.nullable(),
    version: z.number(),
    amount: MoneyText,
    fee: MoneyText,
    excess: MoneyText,
    from_credit: MoneyText,
  })
  .transform((row) => ({
    id: row.id,
    paymentId: row.payment_id,
    customerId: row.customer_id,
    gateway: row.gateway,
    gatewayDisputeId: row.gateway_dispute_id,
    currency: row.currency,
    amount: row.amount,
    fee: row.fee,
    /** How much more is disputed than was left of the payment: it had been refunded. */
    excess: row.excess,
    /** What it took out of the customer's credit, as that had come from the payment. */
    fromCredit: row.from_credit,
    reason: row.reason,
    status: row.status,
    evidence: row.evidence,
    evidenceDueByMs: row.evidence_due_by,
    openedMs: row.opened_at,
    closedMs: row.closed_at,
    version: row.version,
  }));
export type Dispute = z.output<typeof DisputeRow>;
const COLUMNS = columns(
  "id, payment_id, customer_id, gateway, gateway_dispute_id, currency, reason, status, evidence, evidence_due_by, opened_at, closed_at, version",
  "amount fee excess from_credit",
);
const disputesOf = (rows: readonly unknown[]): Dispute[] => parseRows(DisputeRow, rows);

export const noDispute = (id: string): AppError =>
  new AppError("not_found", `There is no dispute ${id}.`);

export async function insertDispute(
  tx: Queryable,
  it: Omit<Dispute, "status" | "evidence" | "closedMs" | "version">,
): Promise<Dispute> {
  const rows = await tx.query(
    `INSERT INTO disputes (id, payment_id, customer_id, gateway, gateway_dispute_id, currency, amount, fee, excess,
       reason, status, evidence_due_by, opened_at, from_credit)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'needs_response', $11, $12, $13) RETURNING ${COLUMNS}`,
    [
      it.id,
      it.paymentId,
      it.customerId,
      it.gateway,
      it.gatewayDisputeId,
      it.currency,
      it.amount.toString(),
      it.fee.toString(),
      it.excess.toString(),
      it.reason,
      new Date(it.evidenceDueByMs),
      new Date(it.openedMs),
      it.fromCredit.toString(),
    ],
  );
  const [dispute] = disputesOf(rows);
  if (dispute === undefined) throw noDispute(it.id);
  return dispute;
}

/** Its payment must be locked when it is to be changed. */
export async function findDispute(
  db: Queryable,
  by: { id: string } | { gateway: string; gatewayDisputeId: string },
): Promise<Dispute | undefined> {
  const rows =
    "id" in by
      ? await db.query(`SELECT ${COLUMNS} FROM disputes WHERE id = $1`, [by.id])
      : await db.query(
          `SELECT ${COLUMNS} FROM disputes WHERE gateway = $1 AND gateway_dispute_id = $2`,
          [by.gateway, by.gatewayDisputeId],
        );
  return disputesOf(rows)[0];
}

/** What disputes of a payment that are open or lost have taken out of its customer's credit. */
export async function disputedFromCredit(tx: Queryable, paymentId: string): Promise<Money> {
  const rows = await tx.query(
    `SELECT coalesce(sum(from_credit), 0)::text AS taken FROM disputes WHERE payment_id = $1 AND status <> 'won'`,
    [paymentId],
  );
  return parseRows(z.object({ taken: MoneyText }), rows)[0]?.taken ?? ZERO;
}

/** @throws AppError not_found */
export async function readDispute(db: Queryable, id: string): Promise<Dispute> {
  const dispute = await findDispute(db, { id });
  if (dispute === undefined) throw noDispute(id);
  return dispute;
}

/** The next version. */
export async function saveDispute(tx: Queryable, it: Dispute): Promise<Dispute> {
  const rows = await tx.query(
    `UPDATE disputes SET status = $2, evidence = $3, closed_at = $4, version = version + 1
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [
      it.id,
      it.status,
      it.evidence === null ? null : JSON.stringify(it.evidence),
      it.closedMs === null ? null : new Date(it.closedMs),
    ],
  );
  const [dispute] = disputesOf(rows);
  if (dispute === undefined) throw noDispute(it.id);
  return dispute;
}

/** Newest first; one more than `limit`. */
export async function listDisputes(
  db: Queryable,
  it: {
    paymentId: string | undefined;
    status: string | undefined;
    limit: number;
    after: readonly [openedMs: number, id: string];
  },
): Promise<Dispute[]> {
  return disputesOf(
    await db.query(
      `SELECT ${COLUMNS} FROM disputes
       WHERE ($1::text IS NULL OR payment_id = $1) AND ($2::text IS NULL OR status = $2)
         AND (opened_at, id) < ($3, $4)
       ORDER BY opened_at DESC, id DESC LIMIT $5`,
      [it.paymentId ?? null, it.status ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
    ),
  );
}
