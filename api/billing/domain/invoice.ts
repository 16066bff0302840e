import { AppError } from "#platform/errors.ts";

import { MONEY_MAX, type Money, abs, allocate, ZERO, money, min, sum } from "./money.ts";
import { type TaxRate, taxOf } from "./tax.ts";

export const INVOICE_STATUSES = ["draft", "open", "paid", "void", "uncollectible"] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];
export type InvoiceAction = "finalize" | "pay" | "void" | "write_off" | "reopen" | "edit";

const NEXT: Record<InvoiceStatus, Partial<Record<InvoiceAction, InvoiceStatus>>> = {
  draft: { edit: "draft", finalize: "open" },
  open: { pay: "paid", void: "void", write_off: "uncollectible" },
  // A payment may be reversed after it succeeded.
  paid: { reopen: "open" },
  void: {},
  // A written-off invoice may still be paid.
  uncollectible: { pay: "paid" },
};

const PARTICIPLE: Record<InvoiceAction, string> = {
  edit: "changed",
  finalize: "finalised",
  pay: "paid",
  void: "voided",
  write_off: "written off",
  reopen: "reopened",
};

/** Undefined if the action is not possible in this status. */
export const nextStatus = (
  status: InvoiceStatus,
  action: InvoiceAction,
): InvoiceStatus | undefined => NEXT[status][action];

/** @throws AppError conflict that names the statuses that allow the action */
export function requireNext(status: InvoiceStatus, action: InvoiceAction): InvoiceStatus {
  const next = nextStatus(status, action);
  if (next !== undefined) return next;
  const allowed = INVOICE_STATUSES.filter((it) => NEXT[it][action] !== undefined).join(" or ");
  throw new AppError(
    "conflict",
    `The invoice is ${status}: only an invoice that is ${allowed} can be ${PARTICIPLE[action]}.`,
  );
}

export const LINE_KINDS = ["item", "subscription", "proration_credit", "proration_charge"] as const;
type LineKind = (typeof LINE_KINDS)[number];

/** A line before tax. Amount and discount of a credit are negative. */
export type LineDraft = {
  kind: LineKind;
  description: string;
  quantity: number;
  unitAmount: Money;
  /** Before the discount. */
  amount: Money;
  discount: Money;
  /** Service period, epoch ms. */
  period?: { startMs: number; endMs: number } | undefined;
  /** Overrides the rate of the invoice: a credit reverses the tax at the rate that was charged. */
  taxRate?: TaxRate;
};

export type InvoiceLine = LineDraft & { taxRate: TaxRate; tax: Money; total: Money };

export type InvoiceTotals = { subtotal: Money; discount: Money; tax: Money; total: Money };

/** Rounds the tax once per line, so that the invoice is the sum of its lines. */
export function taxedLine(draft: LineDraft, rate: TaxRate): InvoiceLine {
  const { taxRate = rate } = draft;
  const net = money(draft.amount - draft.discount);
  const tax = taxOf(net, taxRate);
  return { ...draft, taxRate, tax, total: taxRate.inclusive ? net : money(net + tax) };
}

/** @throws AppError unprocessable if a sum exceeds the maximum of an invoice */
export function totalsOf(lines: readonly InvoiceLine[]): InvoiceTotals {
  const totals = {
    subtotal: sum(lines.map((it) => it.amount)),
    discount: sum(lines.map((it) => it.discount)),
    tax: sum(lines.map((it) => it.tax)),
    total: sum(lines.map((it) => it.total)),
  };
  if (abs(totals.subtotal) <= MONEY_MAX && abs(totals.total) <= MONEY_MAX) return totals;
  throw new AppError(
    "unprocessable",
    `The total of an invoice is limited to ${MONEY_MAX} minor units: lower the amounts or quantities, or create several invoices.`,
  );
}

/** Distributes a discount over the lines in proportion to their amounts, limited to their sum. */
export function withDiscount(lines: readonly LineDraft[], discount: bigint): LineDraft[] {
  const amounts = lines.map((it) => it.amount);
  const parts = allocate(min(discount, sum(amounts)), amounts);
  return lines.map((line, index) => ({ ...line, discount: parts[index] ?? money(0n) }));
}

/** Finalising applies the customer's credit to the total; a negative total is added to the credit. */
export function applyCredit(
  total: bigint,
  credit: bigint,
): { creditApplied: Money; amountDue: Money; creditAfter: Money } {
  const creditApplied = total < 0n ? money(total) : min(total, credit);
  return {
    creditApplied,
    amountDue: money(total - creditApplied),
    creditAfter: money(credit - creditApplied),
  };
}

/** The tax part of a credit note; the notes of a fully credited invoice add up to its tax. */
export function taxOfCreditNote(
  invoice: { total: bigint; tax: bigint; credited: bigint; creditedTax: bigint },
  amount: bigint,
): Money {
  const after = invoice.credited + amount;
  // Rounding down keeps the sum of partial notes within the tax.
  return money((invoice.tax * after) / invoice.total - invoice.creditedTax);
}

/** The maximum of another credit note. */
export function creditableAmount(
  invoice: { total: bigint; credited: bigint; prorated: bigint },
  refundedOrDisputed: bigint,
): Money {
  const left = invoice.total - invoice.credited - invoice.prorated - refundedOrDisputed;
  return left > 0n ? money(left) : ZERO;
}

type Settled = Record<
  "total" | "creditApplied" | "amountPaid" | "amountDue" | "credited" | "prorated",
  bigint
>;

/**
 * The part of a payment that has become the customer's credit, by overpayment, credit notes or proration. It cannot be
 * refunded as well.
 */
export function creditFromPayment(
  invoice: Settled & { paymentId: string | null },
  payment: { id: string; amount: bigint },
): Money {
  const paidIt = invoice.paymentId === payment.id;
  const used = paidIt ? min(payment.amount, invoice.amountPaid) : ZERO;
  const neverDue = invoice.total - invoice.creditApplied - invoice.amountPaid - invoice.amountDue;
  const creditedAfter = paidIt ? min(invoice.credited - neverDue + invoice.prorated, used) : ZERO;
  return money(payment.amount - used + creditedAfter);
}
