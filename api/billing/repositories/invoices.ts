import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { INVOICE_STATUSES, requireNext } from "../domain/invoice.ts";
import { type Money, ZERO, money, negate, min } from "../domain/money.ts";
import { addCredit, lockCustomer } from "./customers.ts";
import { post } from "./ledger.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const InvoiceRow = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    status: z.enum(INVOICE_STATUSES),
    number: z.string().nullable(),
    currency: z.string(),
    subtotal: MoneyText,
    discount: MoneyText,
    tax: MoneyText,
    total: MoneyText,
    credit_applied: MoneyText,
    amount_due: MoneyText,
    amount_paid: MoneyText,
    credited: MoneyText,
    credited_tax: MoneyText,
    prorated: MoneyText,
    memo: z.string(),
    due_days: z.number(),
    created_at: TimeMs,
    finalized_at: TimeMs.nullable(),
    due_at: TimeMs.nullable(),
    paid_at: TimeMs.nullable(),
    voided_at: TimeMs.nullable(),
    payment_id: z.string().nullable(),
    version: z.number(),
  })
  .transform((row) => ({
    id: row.id,
    customerId: row.customer_id,
    subscriptionId: row.subscription_id,
    status: row.status,
    number: row.number,
    currency: row.currency,
    subtotal: row.subtotal,
    discount: row.discount,
    tax: row.tax,
    total: row.total,
    /** Of the customer's credit when it was finalised; negative: a total below zero was added to it. */
    creditApplied: row.credit_applied,
    /** Still to be paid. */
    amountDue: row.amount_due,
    amountPaid: row.amount_paid,
    /** By credit notes. */
    credited: row.credited,
    creditedTax: row.credited_tax,
    /** Given back as credit when its subscription was changed or ended. */
    prorated: row.prorated,
    memo: row.memo,
    dueDays: row.due_days,
    createdMs: row.created_at,
    finalizedMs: row.finalized_at,
    dueMs: row.due_at,
    paidMs: row.paid_at,
    voidedMs: row.voided_at,
    /** The payment that paid it, null where credit did or nobody has. */
    paymentId: row.payment_id,
    version: row.version,
  }));
export type Invoice = z.output<typeof InvoiceRow>;

export const INVOICE_COLUMNS = columns(
  "id, customer_id, subscription_id, status, number, currency, memo, due_days, created_at, finalized_at, due_at, paid_at, voided_at, payment_id, version",
  "subtotal discount tax total credit_applied amount_due amount_paid credited credited_tax prorated",
);

export const invoicesOf = (rows: readonly unknown[]): Invoice[] => parseRows(InvoiceRow, rows);

export const noInvoice = (id: string): AppError =>
  new AppError("not_found", `There is no invoice ${id}.`);

/** @throws AppError not_found */
export async function readInvoice(db: Queryable, id: string): Promise<Invoice> {
  const rows = await db.query(`SELECT ${INVOICE_COLUMNS} FROM invoices WHERE id = $1`, [id]);
  const [invoice] = invoicesOf(rows);
  if (invoice === undefined) throw noInvoice(id);
  return invoice;
}

/**
 * The invoice for change. Its customer is locked first, as everything that changes a customer's books does: whoever
 * takes this lock before any other of the same customer can get into no deadlock.
 * @throws AppError not_found
 */
export async function lockInvoice(tx: Queryable, id: string): Promise<Invoice> {
  const [row] = await tx.query("SELECT customer_id FROM invoices WHERE id = $1", [id]);
  if (row === undefined) throw noInvoice(id);
  await lockCustomer(tx, String(row["customer_id"]));
  const rows = await tx.query(
    `SELECT ${INVOICE_COLUMNS} FROM invoices WHERE id = $1 FOR NO KEY UPDATE`,
    [id],
  );
  const [invoice] = invoicesOf(rows);
  if (invoice === undefined) throw noInvoice(id);
  return invoice;
}

/**
 * Money has come in for a locked invoice (`lockInvoice`): posts it (debit `cash:gateway`) and makes the invoice paid.
 * It may be more than is due, where a credit note or a credit was faster, or the invoice is paid or void by now: what is
 * over becomes the customer's credit. Less than what is due leaves the invoice open with the rest due.
 * Gives the invoice as it is now; whether it became paid is `status`. `settleInvoice` does this with the events.
 */
export async function markPaid(
  tx: Queryable,
  invoice: Invoice,
  { paymentId, amount, nowMs }: { paymentId: string; amount: Money; nowMs: number },
): Promise<Invoice> {
  const { customerId, currency, status } = invoice;
  const claims = status === "open" || status === "uncollectible";
  const used = claims ? min(amount, invoice.amountDue) : ZERO;
  const over = money(amount - used);
  await post(tx, {
    at: nowMs,
    kind: "payment",
    ref: paymentId,
    entries: [
      { account: "cash:gateway", currency, amount },
      {
        account: status === "uncollectible" ? "bad_debt" : `receivable:${customerId}`,
        currency,
        amount: negate(used),
      },
      { account: `customer_credit:${customerId}`, currency, amount: negate(over) },
    ],
  });
  if (over > 0n) await addCredit(tx, customerId, over);
  if (!claims) return invoice;
  const amountDue = money(invoice.amountDue - used);
  return saveClaim(tx, invoice, {
    status: amountDue === 0n ? requireNext(status, "pay") : status,
    amountDue,
    amountPaid: money(invoice.amountPaid + used),
    paidMs: amountDue === 0n ? nowMs : null,
    paymentId,
  });
}

/**
 * A payment of this locked invoice failed after it was taken for good: posts the opposite of `markPaid`. What had been
 * over is taken back from the customer's credit as far as that goes; all else is due again, or bad debt where the
 * invoice is no claim any more (void, written off).
 */
export async function unmarkPaid(
  tx: Queryable,
  invoice: Invoice,
  { paymentId, amount, nowMs }: { paymentId: string; amount: Money; nowMs: number },
): Promise<Invoice> {
  const { customerId, currency } = invoice;
  const customer = await lockCustomer(tx, customerId);
  const used = invoice.paymentId === paymentId ? min(amount, invoice.amountPaid) : ZERO;
  const fromCredit = min(amount - used, customer.credit);
  const due = money(amount - fromCredit);
  const claims = invoice.status === "paid" || invoice.status === "open";
  await post(tx, {
    at: nowMs,
    kind: "payment_reversed",
    ref: paymentId,
    entries: [
      { account: claims ? `receivable:${customerId}` : "bad_debt", currency, amount: due },
      { account: `customer_credit:${customerId}`, currency, amount: fromCredit },
      { account: "cash:gateway", currency, amount: negate(amount) },
    ],
  });
  if (fromCredit > 0n) await addCredit(tx, customerId, negate(fromCredit));
  if (!claims || due === 0n) return invoice;
  return saveClaim(tx, invoice, {
    status: invoice.status === "paid" ? requireNext("paid", "reopen") : invoice.status,
    amountDue: money(invoice.amountDue + due),
    amountPaid: money(invoice.amountPaid - used),
    paidMs: null,
    paymentId: null,
  });
}

/** Nobody expects that this locked invoice is paid: its claim becomes bad debt. @throws AppError conflict unless open */
export async function markUncollectible(
  tx: Queryable,
  invoice: Invoice,
  nowMs: number,
): Promise<Invoice> {
  const status = requireNext(invoice.status, "write_off");
  const { id, customerId, currency, amountDue } = invoice;
  await post(tx, {
    at: nowMs,
    kind: "write_off",
    ref: `${id}/${invoice.version}`,
    entries: [
      { account: "bad_debt", currency, amount: amountDue },
      { account: `receivable:${customerId}`, currency, amount: negate(amountDue) },
    ],
  });
  return saveClaim(tx, invoice, { ...invoice, status });
}

type Claim = Pick<Invoice, "status" | "amountDue" | "amountPaid" | "paidMs" | "paymentId"> &
  Partial<Pick<Invoice, "creditApplied">>;

/** What a claim has come to, as the next version of a locked invoice. */
export async function saveClaim(tx: Queryable, invoice: Invoice, claim: Claim): Promise<Invoice> {
  const rows = await tx.query(
    `UPDATE invoices SET status = $2, amount_due = $3, amount_paid = $4, paid_at = $5, payment_id = $6,
       credit_applied = $7, version = version + 1 WHERE id = $1 RETURNING ${INVOICE_COLUMNS}`,
    [
      invoice.id,
      claim.status,
      claim.amountDue.toString(),
      claim.amountPaid.toString(),
      claim.paidMs === null ? null : new Date(claim.paidMs),
      claim.paymentId,
      (claim.creditApplied ?? invoice.creditApplied).toString(),
    ],
  );
  const [saved] = invoicesOf(rows);
  if (saved === undefined) throw noInvoice(invoice.id);
  return saved;
}
