import type { Queryable } from "#platform/postgres/database.ts";

import type { BillingDeps } from "../deps.ts";
import type { Money } from "../domain/money.ts";
import {
  type Invoice,
  lockInvoice,
  markPaid,
  markUncollectible,
  unmarkPaid,
} from "../repositories/invoices.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

type Paid = {
  invoiceId: string;
  paymentId: string;
  amount: Money;
  nowMs: number;
  traceId?: string | undefined;
};

/**
 * A payment has succeeded: locks the invoice, posts the money and publishes `invoice.paid`. Call it once for a payment:
 * the ledger refuses the second time. Whatever has happened to the invoice meanwhile, the money is kept for the customer.
 */
export async function settleInvoice(
  { kit }: BillingDeps,
  tx: Queryable,
  paid: Paid,
): Promise<Invoice> {
  const before = await lockInvoice(tx, paid.invoiceId);
  const after = await markPaid(tx, before, paid);
  if (before.status !== "paid" && after.status === "paid") {
    await publishInvoice({ kit, tx, ...paid }, "paid", after);
  }
  return after;
}

/** A payment that had succeeded has failed after all: the invoice is due again (`invoice.reopened`). */
export async function unsettleInvoice(
  { kit }: BillingDeps,
  tx: Queryable,
  failed: Paid,
): Promise<Invoice> {
  const before = await lockInvoice(tx, failed.invoiceId);
  const after = await unmarkPaid(tx, before, failed);
  if (before.status === "paid" && after.status === "open") {
    await publishInvoice({ kit, tx, ...failed }, "reopened", after);
  }
  return after;
}

type Given = Pick<Paid, "invoiceId" | "nowMs" | "traceId">;

/** Nobody will pay (`invoice.uncollectible`). @throws AppError conflict unless it is open */
export async function writeOffInvoice(
  { kit }: BillingDeps,
  tx: Queryable,
  it: Given,
): Promise<Invoice> {
  const after = await markUncollectible(tx, await lockInvoice(tx, it.invoiceId), it.nowMs);
  const context = { kit, tx, ...it };
  await publishInvoice(context, "uncollectible", after);
  await enqueueInvoiceSettled(context, after);
  return after;
}
