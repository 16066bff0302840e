import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, optional, table, time } from "#platform/postgres/table.ts";

import type { PaymentState } from "../domain/payments.ts";
import { OF_ACCOUNT, type PageStart, found, moneyColumn, notFound } from "./columns.ts";
import { type Invoice, lockInvoice } from "./invoices.ts";

const payments = table("payments", {
  id: z.string(),
  invoiceId: z.string(),
  customerId: z.string(),
  subscriptionId: z.string().nullable(),
  paymentMethodId: z.string(),
  currency: z.string(),
  amount: moneyColumn,
  status: z.enum(["created", "processing", "requires_action", "succeeded", "failed", "reversed"]),
  reason: z.string().nullable(),
  chargeId: z.string().nullable(),
  refunded: moneyColumn,
  refundPending: moneyColumn,
  disputed: moneyColumn,
  disputesOpen: z.number(),
  fraudWarned: z.boolean(),
  /** Started by Billing; its failure counts for dunning. */
  automatic: z.boolean(),
  traceId: optional(z.string()),
  version: z.number(),
  createdAtMs: time,
  updatedAtMs: time,
});
type Row = RowOf<typeof payments>;
export type Payment = Omit<Row, "status" | "reason" | "chargeId"> & { state: PaymentState };

const paymentOf = ({ status, reason, chargeId, ...rest }: Row): Payment => ({
  ...rest,
  state: stateOf({ status, reason: reason ?? "unknown", chargeId }),
});

type StateColumns = Pick<Row, "status" | "chargeId"> & { reason: string };

function stateOf({ status, reason, chargeId }: StateColumns): PaymentState {
  switch (status) {
    case "created":
      return { status };
    case "processing":
      return { status, chargeId: chargeId ?? undefined };
    case "failed":
      return { status, reason };
    case "requires_action":
    case "succeeded":
    case "reversed":
      if (chargeId === null) throw new Error(`a payment is ${status} without a charge`);
      return status === "reversed" ? { status, chargeId, reason } : { status, chargeId };
  }
}

export const noPayment = (id: string): AppError => notFound("payment", id);

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
  | "createdAtMs"
  | "traceId"
>;

/** @returns undefined if the invoice has a payment in progress */
export async function insertPayment(tx: Queryable, it: NewPayment): Promise<Payment | undefined> {
  const row = { ...it, status: "created" as const, updatedAtMs: it.createdAtMs };
  const inserted = await payments.insertIfAbsent(tx, row);
  return inserted && paymentOf(inserted);
}

/** @throws AppError not_found */
export const readPayment = async (db: Queryable, id: string): Promise<Payment> =>
  paymentOf(found(await payments.find(db, { id }), "payment", id));

/** Locks the payment, and before it its customer and its invoice (`lockCustomer`). */
export async function lockPayment(
  tx: Queryable,
  id: string,
): Promise<{ payment: Payment; invoice: Invoice } | undefined> {
  const seen = await payments.find(tx, { id });
  if (seen === undefined) return undefined;
  const invoice = await lockInvoice(tx, seen.invoiceId);
  const row = await payments.find(tx, { id }, "FOR NO KEY UPDATE");
  return row && { payment: paymentOf(row), invoice };
}

/** Saves the next version of a locked payment. */
export async function savePayment(tx: Queryable, it: Payment, nowMs: number): Promise<Payment> {
  const { id, state, version: _, ...rest } = it;
  const row = await payments.update(
    tx,
    { id },
    {
      ...rest,
      status: state.status,
      reason: "reason" in state ? state.reason : null,
      chargeId: "chargeId" in state ? (state.chargeId ?? null) : null,
      updatedAtMs: nowMs,
    },
  );
  return paymentOf(row);
}

export async function hasOpenPayment(db: Queryable, invoiceId: string): Promise<boolean> {
  const rows = await db.query(
    `SELECT FROM payments
     WHERE invoice_id = $1 AND status IN ('created', 'processing', 'requires_action')`,
    [invoiceId],
  );
  return rows.length > 0;
}

type Filter = Partial<Record<"accountId" | "customerId" | "invoiceId", string | undefined>>;

export async function listPayments(
  db: Queryable,
  { accountId, customerId, invoiceId, ...page }: PageStart & Filter,
): Promise<Payment[]> {
  const rows = await payments.page(db, {
    ...page,
    where: { customerId, invoiceId },
    and: { [OF_ACCOUNT]: accountId },
  });
  return rows.map(paymentOf);
}
