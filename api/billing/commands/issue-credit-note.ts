import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { creditableAmount, requireNext, taxOfCreditNote } from "../domain/invoice.ts";
import { creditNoteEntries } from "../domain/ledger.ts";
import { type Money, ZERO, formatMoney, min, money, toWire } from "../domain/money.ts";
import {
  type CreditNote,
  insertCreditNote,
  refundedOrDisputed,
} from "../repositories/credit-notes.ts";
import { addCredit } from "../repositories/customers.ts";
import { type Invoice, lockInvoice, updateInvoice } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { nextNumber } from "../repositories/numbering.ts";
import { type CommandContext, publish } from "./context.ts";
import { applyCustomerCredit } from "./issue-invoice.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

type CreditNoteRequest = { invoiceId: string; amount?: Money | undefined; reason: string };

/**
 * Credits a part of an invoice, or all that is left of it. This first lowers the amount due; the rest becomes the
 * customer's credit. @throws AppError conflict unless the invoice is open or paid and this amount of it can be credited
 */
export async function issueCreditNote(
  context: CommandContext,
  request: CreditNoteRequest,
): Promise<CreditNote> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, request.invoiceId);
  const { id: invoiceId, customerId, currency } = invoice;
  const left = creditableAmount(invoice, await refundedOrDisputed(tx, invoiceId));
  const amount = amountToCredit(invoice, { requested: request.amount, left });
  const tax = taxOfCreditNote(invoice, amount);
  const fromDue = min(amount, invoice.amountDue);
  await creditInvoice(context, invoice, { amount, tax, fromDue });
  const note = await insertCreditNote(tx, {
    id: newId("cn"),
    invoiceId,
    customerId,
    currency,
    amount,
    tax,
    reason: request.reason,
    createdAtMs: nowMs,
    ...(await nextNumber(tx, "CN", nowMs)),
  });
  const entries = creditNoteEntries({ currency, customerId, amount, tax, fromDue });
  await post(tx, { at: nowMs, kind: "credit_note", ref: note.id, entries });
  const data = { creditNoteId: note.id, invoiceId, customerId, currency };
  await publish(context, {
    type: "credit_note.issued",
    subject: note.id,
    data: { ...data, amount: toWire(amount), tax: toWire(tax) },
  });
  if (amount > fromDue) {
    await addCredit(tx, customerId, amount - fromDue);
    await applyCustomerCredit(context, customerId);
  }
  return note;
}

function amountToCredit(
  invoice: Invoice,
  { requested, left }: { requested: Money | undefined; left: Money },
): Money {
  if (invoice.status !== "open" && invoice.status !== "paid") {
    throw new AppError(
      "conflict",
      `The invoice is ${invoice.status}: only an open or paid invoice can be credited.`,
    );
  }
  const amount = requested ?? left;
  if (amount > ZERO && amount <= left) return amount;
  throw new AppError(
    "conflict",
    `Only ${formatMoney(left, invoice.currency)} of this invoice can still be credited.`,
  );
}

async function creditInvoice(
  context: CommandContext,
  invoice: Invoice,
  { amount, tax, fromDue }: { amount: Money; tax: Money; fromDue: Money },
): Promise<void> {
  const amountDue = money(invoice.amountDue - fromDue);
  const settles = invoice.status === "open" && amountDue === 0n;
  const saved = await updateInvoice(context.tx, invoice.id, {
    credited: money(invoice.credited + amount),
    creditedTax: money(invoice.creditedTax + tax),
    amountDue,
    ...(settles ? { status: requireNext("open", "pay"), paidAtMs: context.nowMs } : {}),
  });
  if (!settles) return;
  await publishInvoice(context, "paid", saved);
  await enqueueInvoiceSettled(context, saved);
}
