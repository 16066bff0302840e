import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { addDays } from "../domain/calendar.ts";
import {
  type LineDraft,
  requireNext,
  applyCredit,
  taxedLine,
  totalsOf,
} from "../domain/invoice.ts";
import { invoiceEntries, reversed } from "../domain/ledger.ts";
import { money, negate, min } from "../domain/money.ts";
import type { TaxRate } from "../domain/tax.ts";
import { addCredit, lockCustomer, readCustomer } from "../repositories/customers.ts";
import {
  insertDraft,
  openInvoices,
  replaceDraft,
  saveFinalized,
  saveVoid,
} from "../repositories/invoice-lines.ts";
import { type Invoice, saveClaim } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { nextNumber } from "../repositories/numbering.ts";
import { hasOpenPayment } from "../repositories/payments.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import type { CommandContext } from "./context.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

export type InvoiceDraft = {
  customerId: string;
  subscriptionId: string | null;
  currency: string;
  lines: readonly LineDraft[];
  taxRate: TaxRate;
  memo: string;
  dueDays: number;
};

/** Writes a draft; its customer is locked. @throws AppError unprocessable where its sum is too much */
export async function draftInvoice(
  { tx, nowMs }: CommandContext,
  draft: InvoiceDraft,
): Promise<Invoice> {
  const lines = draft.lines.map((line) => taxedLine(line, draft.taxRate));
  const totals = totalsOf(lines);
  return insertDraft(tx, { ...draft, id: newId("inv"), createdMs: nowMs, lines, totals });
}

/** Writes a locked draft anew, with the tax of today. @throws AppError conflict where it is no draft any more */
export async function rewriteDraft(
  { tx }: CommandContext,
  before: Invoice,
  draft: Pick<InvoiceDraft, "lines" | "memo" | "dueDays">,
): Promise<Invoice> {
  requireNext(before.status, "edit");
  const { country } = await readCustomer(tx, before.customerId);
  const taxRate = await taxRateFor(tx, country);
  const lines = draft.lines.map((line) => taxedLine(line, taxRate));
  return replaceDraft(tx, { ...draft, id: before.id, lines, totals: totalsOf(lines) });
}

/** Writes an invoice and finalises it; its customer is locked. */
export async function issueInvoice(context: CommandContext, draft: InvoiceDraft): Promise<Invoice> {
  return finalizeInvoice(context, await draftInvoice(context, draft));
}

/**
 * A locked draft becomes a claim: the customer's credit pays what it can, the next number is taken, the ledger has it.
 * What is due for a subscription is promised to be collected (job `collect-invoice`).
 */
export async function finalizeInvoice(context: CommandContext, draft: Invoice): Promise<Invoice> {
  const { kit, tx, nowMs } = context;
  const open = requireNext(draft.status, "finalize");
  const customer = await lockCustomer(tx, draft.customerId);
  const { creditApplied, amountDue } = applyCredit(draft.total, customer.credit);
  const settled = amountDue === 0n;
  if (creditApplied !== 0n) await addCredit(tx, customer.id, negate(creditApplied));
  const invoice = await saveFinalized(tx, {
    id: draft.id,
    status: settled ? requireNext(open, "pay") : open,
    creditApplied,
    amountDue,
    numbered: await nextNumber(tx, "INV", nowMs),
    nowMs,
    dueMs: addDays(nowMs, draft.dueDays),
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

/** The credit of a locked customer pays what is open, oldest first. */
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
    const saved = await saveClaim(tx, invoice, {
      ...invoice,
      status: amountDue === 0n ? requireNext(invoice.status, "pay") : invoice.status,
      amountDue,
      creditApplied: money(invoice.creditApplied + amount),
      paidMs: amountDue === 0n ? nowMs : null,
    });
    if (saved.status !== "paid") continue;
    await publishInvoice(context, "paid", saved);
    await enqueueInvoiceSettled(context, saved);
  }
}

/**
 * A locked open invoice was wrong: its posting is reversed, credit that paid a part goes back, the number stays taken.
 * @throws AppError conflict for one that is not open, or on which money or a credit note has come or is coming, or of
 *   which a change of its subscription gave back a part
 */
export async function voidInvoice(context: CommandContext, invoice: Invoice): Promise<Invoice> {
  const { tx, nowMs } = context;
  requireNext(invoice.status, "void");
  if (invoice.amountPaid > 0n || invoice.credited > 0n || invoice.prorated > 0n) {
    throw new AppError(
      "conflict",
      "The invoice is partly paid, credited or given back: issue a credit note for the rest instead.",
    );
  }
  if (await hasOpenPayment(tx, invoice.id)) {
    throw new AppError(
      "conflict",
      `A payment of the invoice is under way: wait for its end, see GET /v1/payments?invoiceId=${invoice.id}.`,
    );
  }
  const entries = reversed(invoiceEntries(invoice));
  await post(tx, { at: nowMs, kind: "invoice_void", ref: invoice.id, entries });
  await addCredit(tx, invoice.customerId, invoice.creditApplied);
  const voided = await saveVoid(tx, invoice.id, nowMs);
  await publishInvoice(context, "voided", voided);
  await enqueueInvoiceSettled(context, voided);
  return voided;
}
