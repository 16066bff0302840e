import { requireNext } from "../domain/invoice.ts";
import { type Money, ZERO, min, money, negate } from "../domain/money.ts";
import { addCredit, lockCustomer } from "../repositories/customers.ts";
import { type Invoice, lockInvoice, updateInvoice } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import type { CommandContext } from "./context.ts";
import { enqueueInvoiceSettled, publishInvoice } from "./publish-invoice.ts";

type Settlement = { invoiceId: string; paymentId: string; amount: Money };

/**
 * Posts a succeeded payment and applies it to its invoice; the ledger refuses to do it twice. An overpayment, because
 * credit was faster or the invoice is no longer a claim, becomes the customer's credit; less than the amount due leaves
 * the invoice open.
 */
export async function settleInvoice(
  context: CommandContext,
  { invoiceId, paymentId, amount }: Settlement,
): Promise<Invoice> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, invoiceId);
  const { customerId, currency, status } = invoice;
  const isClaim = status === "open" || status === "uncollectible";
  const used = isClaim ? min(amount, invoice.amountDue) : ZERO;
  const over = money(amount - used);
  const claim = status === "uncollectible" ? "bad_debt" : (`receivable:${customerId}` as const);
  await post(tx, {
    at: nowMs,
    kind: "payment",
    ref: paymentId,
    entries: [
      { account: "cash:gateway", currency, amount },
      { account: claim, currency, amount: negate(used) },
      { account: `customer_credit:${customerId}`, currency, amount: negate(over) },
    ],
  });
  if (over > 0n) await addCredit(tx, customerId, over);
  if (!isClaim) return invoice;
  const amountDue = money(invoice.amountDue - used);
  const paid = amountDue === 0n;
  const saved = await updateInvoice(tx, invoiceId, {
    status: paid ? requireNext(status, "pay") : status,
    amountDue,
    amountPaid: money(invoice.amountPaid + used),
    paidAtMs: paid ? nowMs : null,
    paymentId,
  });
  if (paid) await publishInvoice(context, "paid", saved);
  return saved;
}

/**
 * Reverses `settleInvoice` for a payment that was reversed after it succeeded. An overpayment is taken back from the
 * customer's credit as far as possible; the rest is due again, or bad debt if the invoice is void or written off.
 */
export async function unsettleInvoice(
  context: CommandContext,
  { invoiceId, paymentId, amount }: Settlement,
): Promise<Invoice> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, invoiceId);
  const { customerId, currency, status } = invoice;
  const customer = await lockCustomer(tx, customerId);
  const used = invoice.paymentId === paymentId ? min(amount, invoice.amountPaid) : ZERO;
  const fromCredit = min(amount - used, customer.credit);
  const due = money(amount - fromCredit);
  const isClaim = status === "paid" || status === "open";
  await post(tx, {
    at: nowMs,
    kind: "payment_reversed",
    ref: paymentId,
    entries: [
      { account: isClaim ? `receivable:${customerId}` : "bad_debt", currency, amount: due },
      { account: `customer_credit:${customerId}`, currency, amount: fromCredit },
      { account: "cash:gateway", currency, amount: negate(amount) },
    ],
  });
  if (fromCredit > 0n) await addCredit(tx, customerId, negate(fromCredit));
  if (!isClaim || due === 0n) return invoice;
  const saved = await updateInvoice(tx, invoiceId, {
    status: status === "paid" ? requireNext(status, "reopen") : status,
    amountDue: money(invoice.amountDue + due),
    amountPaid: money(invoice.amountPaid - used),
    paidAtMs: null,
    paymentId: null,
  });
  if (status === "paid") await publishInvoice(context, "reopened", saved);
  return saved;
}

/** Writes an invoice off as bad debt. @throws AppError conflict unless it is open */
export async function writeOffInvoice(context: CommandContext, id: string): Promise<Invoice> {
  const { tx, nowMs } = context;
  const invoice = await lockInvoice(tx, id);
  const status = requireNext(invoice.status, "write_off");
  const { customerId, currency, amountDue } = invoice;
  await post(tx, {
    at: nowMs,
    kind: "write_off",
    ref: `${id}/${invoice.version}`,
    entries: [
      { account: "bad_debt", currency, amount: amountDue },
      { account: `receivable:${customerId}`, currency, amount: negate(amountDue) },
    ],
  });
  const saved = await updateInvoice(tx, id, { status });
  await publishInvoice(context, "uncollectible", saved);
  await enqueueInvoiceSettled(context, saved);
  return saved;
}
