import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { addDays } from "../domain/calendar.ts";
import {
  type LineDraft,
  applyCredit,
  requireNext,
  taxedLine,
  totalsOf,
} from "../domain/invoice.ts";
import { invoiceEntries, reversed } from "../domain/ledger.ts";
import { ZERO, min, money, negate } from "../domain/money.ts";
import type { TaxRate } from "../domain/tax.ts";
import { addCredit, lockCustomer, readCustomer } from "../repositories/customers.ts";
import {
  type Invoice,
  insertDraft,
  openInvoices,
  replaceDraft,
  saveFinalized,
  updateInvoice,
} from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { nextNumber } from "../repositories/numbering.ts";
import { hasOpenPayment } from "../repositories/payments.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import type { CommandContext } from "./context.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

type InvoiceDraft = {
  customerId: string;
  subscriptionId: string | null;
  currency: string;
  lines: readonly LineDraft[];
  taxRate: TaxRate;
  memo: string;
  dueDays: number;
};

/** Creates a draft for a locked customer. @throws AppError unprocessable if its total exceeds the maximum */
export async function draftInvoice(
  { tx, nowMs }: CommandContext,
  draft: InvoiceDraft,
): Promise<Invoice> {
  const lines = draft.lines.map((line) => taxedLine(line, draft.taxRate));
  const totals = totalsOf(lines);
  return insertDraft(tx, { ...draft, id: newId("inv"), createdAtMs: nowMs, lines, totals });
}

/** Replaces the contents of a locked draft, at the current tax rate. @throws AppError conflict unless it is a draft */
export async function rewriteDraft(
  { tx }: CommandContext,
  before: Invoice,
  draft: Pick<InvoiceDraft, "lines" | "memo" | "dueDays">,
): Promise<Invoice> {
  requireNext(before.status, "edit");
  const { country } = await readCustomer(tx, before.customerId);
  const taxRate = await taxRateFor(tx, country);
  const lines = draft.lines.map((line) => taxedLine(line, taxRate));
  return replaceDraft(tx, before.id, { ...draft, lines, totals: totalsOf(lines) });
}

/** Creates and finalises an invoice for a locked customer. */
export async function issueInvoice(context: CommandContext, draft: InvoiceDraft): Promise<Invoice> {
  return finalizeInvoice(context, await draftInvoice(context, draft));
}

/**
 * Finalises a locked draft: applies the customer's credit, takes the next number and posts it to the ledger. What is
 * left due for a subscription is collected by the job `collect-invoice`.
 */
export async function finalizeInvoice(context: CommandContext, draft: Invoice): Promise<Invoice> {
  const { kit, tx, nowMs } = context;
  const open = requireNext(draft.status, "finalize");
  const customer = await lockCustomer(tx, draft.customerId);
  const { creditApplied, amountDue } = applyCredit(draft.total, customer.credit);
  const settled = amountDue === 0n;
  if (creditApplied !== 0n) await addCredit(tx, customer.id, negate(creditApplied));
  const invoice = await saveFinalized(tx, draft.id, {
    status: settled ? requireNext(open, "pay") : open,
    creditApplied,
    amountDue,
    ...(await nextNumber(tx, "INV", nowMs)),
    finalizedAtMs: nowMs,
    dueAtMs: addDays(nowMs, draft.dueDays),
    paidAtMs: settled ? nowMs : null,
  });
  const entries = invoiceEntries(invoice);
  await post(tx, { at: nowMs, kind: "invoice", ref: invoice.id, entries });
  await publishInvoice(context, "finalized", invoice);
  if (settled) await publishInvoice(context, "paid", invoice);
  else if (invoice.subscriptionId !== null) {
    const payload = { invoiceId: invoice.id };
    await kit.jobs.add(tx, { kind: "collect-invoice", payload, key: `collect:${invoice.id}` });
  }
  if (creditApplied < 0n) await applyCustomerCredit(context, customer.id);
  return invoice;
}

/** Pays open invoices with the credit of a locked customer, oldest first. */
export async function applyCustomerCredit(
  context: CommandContext,
  customerId: string,
): Promise<void> {
  const { tx, nowMs } = context;
  let { credit } = await lockCustomer(tx, customerId);
  for (const invoice of await openInvoices(tx, customerId)) {
    if (credit === 0n) return;
    const amount = min(credit, invoice.amountDue);
    if (amount === 0n) continue;
    credit = money(credit - amount);
    await addCredit(tx, customerId, negate(amount));
    const { currency } = invoice;
    await post(tx, {
      at: nowMs,
      kind: "credit_used",
      ref: `${invoice.id}/${invoice.version}`,
      entries: [
        { account: `customer_credit:${customerId}`, currency, amount },
        { account: `receivable:${customerId}`, currency, amount: negate(amount) },
      ],
    });
    const amountDue = money(invoice.amountDue - amount);
    const saved = await updateInvoice(tx, invoice.id, {
      status: amountDue === 0n ? requireNext(invoice.status, "pay") : invoice.status,
      amountDue,
      creditApplied: money(invoice.creditApplied + amount),
      paidAtMs: amountDue === 0n ? nowMs : null,
    });
    if (saved.status !== "paid") continue;
    await publishInvoice(context, "paid", saved);
    await enqueueInvoiceSettled(context, saved);
  }
}

/**
 * Voids a locked open invoice: reverses its posting and returns applied credit; the number stays used.
 * @throws AppError conflict unless it is open and nothing of it is paid, being paid, credited or prorated
 */
export async function voidInvoice(context: CommandContext, invoice: Invoice): Promise<Invoice> {
  const { tx, nowMs } = context;
  requireNext(invoice.status, "void");
  if (invoice.amountPaid > 0n || invoice.credited > 0n || invoice.prorated > 0n) {
    throw new AppError(
      "conflict",
      "The invoice is partly paid, credited or prorated: issue a credit note for the rest instead.",
    );
  }
  if (await hasOpenPayment(tx, invoice.id)) {
    throw new AppError(
      "conflict",
      `A payment of the invoice is in progress: wait until it ends, see GET /v1/payments?invoiceId=${invoice.id}.`,
    );
  }
  const entries = reversed(invoiceEntries(invoice));
  await post(tx, { at: nowMs, kind: "invoice_void", ref: invoice.id, entries });
  await addCredit(tx, invoice.customerId, invoice.creditApplied);
  const voided = await updateInvoice(tx, invoice.id, {
    status: "void",
    amountDue: ZERO,
    creditApplied: ZERO,
    voidedAtMs: nowMs,
  });
  await publishInvoice(context, "voided", voided);
  await enqueueInvoiceSettled(context, voided);
  return voided;
}
