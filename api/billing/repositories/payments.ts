import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { PaymentState } from "../domain/payments.ts";
import { type Invoice, lockInvoice } from "./invoices.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const PaymentRow = z
  .object({
    id: z.string(),
    invoice_id: z.string(),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    payment_method_id: z.string(),
    currency: z.string(),
    status: z.enum(["created", "processing", "requires_action", "succeeded", "failed", "reversed"]),
    reason: z.string().nullable(),
    charge_id: z.string().nullable(),
    disputes_open: z.number(),
    fraud_warned: z.boolean(),
    automatic: z.boolean(),
    trace_id: z.string().nullable(),
    version: z.number(),
    created_at: TimeMs,
    updated_at: TimeMs,
    amount: MoneyText,
    refunded: MoneyText,
    refund_pending: MoneyText,
    disputed: MoneyText,
  })
  .transform((row) => ({
    id: row.id,
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    subscriptionId: row.subscription_id,
    paymentMethodId: row.payment_method_id,
    currency: row.currency,
    state: stateOf(row),
    amount: row.amount,
    refunded: row.refunded,
    refundPending: row.refund_pending,
    disputed: row.disputed,
    disputesOpen: row.disputes_open,
    fraudWarned: row.fraud_warned,
    /** Begun by us and not by a person: its failure counts for dunning. */
    automatic: row.automatic,
    traceId: row.trace_id ?? undefined,
    version: row.version,
    createdMs: row.created_at,
    updatedMs: row.updated_at,
  }));
export type Payment = z.output<typeof PaymentRow>;

const COLUMNS = columns(
  "id, invoice_id, customer_id, subscription_id, payment_method_id, currency, status, reason, charge_id, disputes_open, fraud_warned, automatic, trace_id, version, created_at, updated_at",
  "amount refunded refund_pending disputed",
);
const paymentsOf = (rows: readonly unknown[]): Payment[] => parseRows(PaymentRow, rows);

export const noPayment = (id: string): AppError =>
  new AppError("not_found", `There is no payment ${id}.`);

type StateColumns = {
  status: PaymentState["status"];
  reason: string | null;
  charge_id: string | null;
};

function stateOf({ status, reason, charge_id: chargeId }: StateColumns): PaymentState {
  const why = reason ?? "unknown";
  switch (status) {
    case "created":
      return { status };
    case "processing":
      return { status, chargeId: chargeId ?? undefined };
    case "failed":
      return { status, reason: why };
    case "requires_action":
    case "succeeded":
    case "reversed":
      if (chargeId === null) throw new Error(`a payment is ${status} and has no charge`);
      return status === "reversed" ? { status, chargeId, reason: why } : { status, chargeId };
  }
}

const columnsOf = (state: PaymentState): [string, string | null, string | null] => [
  state.status,
  "reason" in state ? state.reason : null,
  "chargeId" in state ? (state.chargeId ?? null) : null,
];

type NewPayment = Pick<
  Payment,
  | "id"
  | "invoiceId"
  | "customerId"
  | "subscriptionId"
  | "paymentMethodId"
  | "currency"
  | "amount"
  | "automatic"
  | "createdMs"
  | "traceId"
>;

/** @returns undefined where a payment of this invoice is under way */
export async function insertPayment(tx: Queryable, it: NewPayment): Promise<Payment | undefined> {
  const rows = await tx.query(
    `INSERT INTO payments (id, invoice_id, customer_id, subscription_id, payment_method_id, currency, amount,
       automatic, status, trace_id, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10, $10) ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [
      it.id,
      it.invoiceId,
      it.customerId,
      it.subscriptionId,
      it.paymentMethodId,
      it.currency,
      it.amount.toString(),
      it.automatic,
      it.traceId ?? null,
      new Date(it.createdMs),
    ],
  );
  return paymentsOf(rows)[0];
}

/** @throws AppError not_found */
export async function readPayment(db: Queryable, id: string): Promise<Payment> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM payments WHERE id = $1`, [id]);
  const [payment] = paymentsOf(rows);
  if (payment === undefined) throw noPayment(id);
  return payment;
}

/**
 * The payment for change, and the invoice that it pays, which is locked before it (and its customer before both): all
 * that moves money of one customer happens one after the other, in no deadlock.
 */
export async function lockPayment(
  tx: Queryable,
  id: string,
): Promise<{ payment: Payment; invoice: Invoice } | undefined> {
  const [row] = await tx.query("SELECT invoice_id FROM payments WHERE id = $1", [id]);
  if (row === undefined) return undefined;
  const invoice = await lockInvoice(tx, String(row["invoice_id"]));
  const rows = await tx.query(`SELECT ${COLUMNS} FROM payments WHERE id = $1 FOR NO KEY UPDATE`, [
    id,
  ]);
  const [payment] = paymentsOf(rows);
  return payment === undefined ? undefined : { payment, invoice };
}

/** The next version of a locked payment. */
export async function savePayment(tx: Queryable, it: Payment, nowMs: number): Promise<Payment> {
  const rows = await tx.query(
    `UPDATE payments SET status = $2, reason = $3, charge_id = $4, refunded = $5, refund_pending = $6,
       disputed = $7, disputes_open = $8, fraud_warned = $9, updated_at = $10, version = version + 1
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [
      it.id,
      ...columnsOf(it.state),
      it.refunded.toString(),
      it.refundPending.toString(),
      it.disputed.toString(),
      it.disputesOpen,
      it.fraudWarned,
      new Date(nowMs),
    ],
  );
  const [saved] = paymentsOf(rows);
  if (saved === undefined) throw noPayment(it.id);
  return saved;
}

export async function hasOpenPayment(db: Queryable, invoiceId: string): Promise<boolean> {
  const rows = await db.query(
    `SELECT FROM payments
     WHERE invoice_id = $1 AND status IN ('created', 'processing', 'requires_action')`,
    [invoiceId],
  );
  return rows.length > 0;
}

export type PaymentFilter = {
  /** Of the customers of this account alone. */
  accountId: string | undefined;
  customerId: string | undefined;
  invoiceId: string | undefined;
  limit: number;
  after: readonly [createdMs: number, id: string];
};

/** Newest first; one more than `limit`. */
export async function listPayments(db: Queryable, it: PaymentFilter): Promise<Payment[]> {
  return paymentsOf(
    await db.query(
      `SELECT ${COLUMNS} FROM payments
       WHERE ($1::text IS NULL OR customer_id IN (SELECT id FROM customers WHERE account_id = $1))
         AND ($2::text IS NULL OR customer_id = $2) AND ($3::text IS NULL OR invoice_id = $3)
         AND (created_at, id) < ($4, $5)
       ORDER BY created_at DESC, id DESC LIMIT $6`,
      [
        it.accountId ?? null,
        it.customerId ?? null,
        it.invoiceId ?? null,
        new Date(it.after[0]),
        it.after[1],
        it.limit + 1,
      ],
    ),
  );
}
