import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { creditableAmount, requireNext, taxOfCreditNote } from "../domain/invoice.ts";
import { creditNoteEntries } from "../domain/ledger.ts";
import { type Money, ZERO, formatMoney, money, min, toWire } from "../domain/money.ts";
import {
  type CreditNote,
  refundedOrDisputed,
  insertCreditNote,
} from "../repositories/credit-notes.ts";
import { addCredit } from "../repositories/customers.ts";
import { saveCredited } from "../repositories/invoice-lines.ts";
import { type Invoice, lockInvoice, saveClaim } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { nextNumber } from "../repositories/numbering.ts";
import { type CommandContext, publish } from "./context.ts";
import { applyCustomerCredit } from "./issue-invoice.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

type Asked = { invoiceId: string; amount?: Money | undefined; reason: string };

/**
 * Takes back a part of an invoice, or all that is left of it. It first lowers what is due; what was paid already becomes
 * the customer's credit. @throws AppError conflict where the invoice is no claim, or less of it is left after refunds and disputes
 */
export async function issueCreditNote(context: CommandContext, asked: Asked): Promise<CreditNote> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, asked.invoiceId);
  const left = creditableAmount(invoice, await refundedOrDisputed(tx, invoice.id));
  const amount = amountToCredit(invoice, { asked: asked.amount, left });
  const tax = taxOfCreditNote(invoice, amount);
  const fromDue = min(amount, invoice.amountDue);
  const { customerId, currency } = invoice;
  const after = {
    ...invoice,
    credited: money(invoice.credited + amount),
    creditedTax: money(invoice.creditedTax + tax),
  };
  await saveCredited(tx, after);
  await lowerDue(context, after, fromDue);
  const { numbered, ...note } = {
    id: newId("cn"),
    invoiceId: invoice.id,
    customerId,
    currency,
    amount,
    tax,
    reason: asked.reason,
    createdMs: nowMs,
    numbered: await nextNumber(tx, "CN", nowMs),
  };
  await insertCreditNote(tx, { ...note, numbered });
  const entries = creditNoteEntries({ currency, customerId, amount, tax, fromDue });
  await post(tx, { at: nowMs, kind: "credit_note", ref: note.id, entries });
  const data = { creditNoteId: note.id, invoiceId: invoice.id, customerId, currency };
  await publish(context, {
    type: "credit_note.issued",
    subject: note.id,
    data: { ...data, amount: toWire(amount), tax: toWire(tax) },
  });
  if (amount > fromDue) {
    await addCredit(tx, customerId, amount - fromDue);
    await applyCustomerCredit(context, customerId);
  }
  return { ...note, number: numbered.number };
}

function amountToCredit(
  invoice: Invoice,
  { asked, left }: { asked: Money | undefined; left: Money },
): Money {
  if (invoice.status !== "open" && invoice.status !== "paid") {
    throw new AppError(
      "conflict",
      `The invoice is ${invoice.status}: only one that is open or paid can be credited.`,
    );
  }
  const amount = asked ?? left;
  if (amount > ZERO && amount <= left) return amount;
  throw new AppError(
    "conflict",
    `Of this invoice ${formatMoney(left, invoice.currency)} can still be credited.`,
  );
}

async function lowerDue(context: CommandContext, invoice: Invoice, by: Money): Promise<void> {
  const amountDue = money(invoice.amountDue - by);
  const settles = invoice.status === "open" && amountDue === 0n;
  const saved = await saveClaim(context.tx, invoice, {
    ...invoice,
    status: settles ? requireNext("open", "pay") : invoice.status,
    amountDue,
    paidMs: settles ? context.nowMs : invoice.paidMs,
  });
  if (!settles) return;
  await publishInvoice(context, "paid", saved);
  await enqueueInvoiceSettled(context, saved);
}
