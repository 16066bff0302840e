import { AppError } from "#platform/errors.ts";

import { MONEY_MAX, type Money, abs, allocate, ZERO, money, min, sum } from "./money.ts";
import { type TaxRate, taxOf } from "./tax.ts";

export const INVOICE_STATUSES = ["draft", "open", "paid", "void", "uncollectible"] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];
export type InvoiceAction = "finalize" | "pay" | "void" | "write_off" | "reopen" | "edit";

const NEXT: Record<InvoiceStatus, Partial<Record<InvoiceAction, InvoiceStatus>>> = {
  draft: { edit: "draft", finalize: "open" },
  open: { pay: "paid", void: "void", write_off: "uncollectible" },
  // A payment that fails after it was taken for good makes the claim open again.
  paid: { reopen: "open" },
  void: {},
  // Money may still come for what nobody expected to be paid.
  uncollectible: { pay: "paid" },
};

const SAID: Record<InvoiceAction, string> = {
  edit: "changed",
  finalize: "finalised",
  pay: "paid",
  void: "voided",
  write_off: "written off",
  reopen: "opened again",
};

/** The status after an action, undefined where the action is not possible in this status. */
export const nextStatus = (
  status: InvoiceStatus,
  action: InvoiceAction,
): InvoiceStatus | undefined => NEXT[status][action];

/** @throws AppError conflict that says which statuses would do */
export function requireNext(status: InvoiceStatus, action: InvoiceAction): InvoiceStatus {
  const next = nextStatus(status, action);
  if (next !== undefined) return next;
  const able = INVOICE_STATUSES.filter((it) => NEXT[it][action] !== undefined).join(" or ");
  throw new AppError(
    "conflict",
    `The invoice is ${status}: only one that is ${able} can be ${SAID[action]}.`,
  );
}

type LineKind = "item" | "subscription" | "proration_credit" | "proration_charge";

/** What is charged, before tax is known. Amounts of a credit are negative, its discount too. */
export type LineDraft = {
  kind: LineKind;
  description: string;
  quantity: number;
  unitAmount: Money;
  /** Before discount. */
  amount: Money;
  discount: Money;
  /** Epoch ms: the time that is charged for. */
  period?: { startMs: number; endMs: number } | undefined;
  /** Where it is not that of the invoice: a credit takes back the tax that was charged. */
  taxRate?: TaxRate;
};

export type InvoiceLine = LineDraft & { taxRate: TaxRate; tax: Money; total: Money };

export type InvoiceTotals = { subtotal: Money; discount: Money; tax: Money; total: Money };

/** A line with its tax: rounded once for each line, so that the invoice is the sum of its lines. */
export function taxedLine(draft: LineDraft, rate: TaxRate): InvoiceLine {
  const { taxRate = rate } = draft;
  const net = money(draft.amount - draft.discount);
  const tax = taxOf(net, taxRate);
  return { ...draft, taxRate, tax, total: taxRate.inclusive ? net : money(net + tax) };
}

/** @throws AppError unprocessable where a sum is more than one invoice may have */
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
    `An invoice may come to ${MONEY_MAX} minor units at most: lower the amounts or quantities, or write several invoices.`,
  );
}

/** Lines with a discount on their sum, split by their amounts without losing a unit; never more than the sum. */
export function withDiscount(lines: readonly LineDraft[], discount: bigint): LineDraft[] {
  const amounts = lines.map((it) => it.amount);
  const parts = allocate(min(discount, sum(amounts)), amounts);
  return lines.map((line, index) => ({ ...line, discount: parts[index] ?? money(0n) }));
}

/**
 * How a total is met when it is finalised: the customer's credit pays what it can; a total below zero adds to it.
 */
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

/** The tax in a credit note: notes that add up to the whole invoice take back exactly its tax. */
export function taxOfCreditNote(
  invoice: { total: bigint; tax: bigint; credited: bigint; creditedTax: bigint },
  amount: bigint,
): Money {
  const after = invoice.credited + amount;
  // Rounds down, so that no part takes back more tax than there is.
  return money((invoice.tax * after) / invoice.total - invoice.creditedTax);
}

/** What a credit note may still take back, besides what else gave back of it as credit or in money. */
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
 * The part of a payment that the customer has as credit: what was over when it came, and what credit notes and
 * changes of the subscription took back after it. It is not given back in money as well.
 */
export function creditFromPayment(
  invoice: Settled & { paymentId: string | null },
  payment: { id: string; amount: bigint },
): Money {
  const paidIt = invoice.paymentId === payment.id;
  const used = paidIt ? min(payment.amount, invoice.amountPaid) : ZERO;
  const neverDue = invoice.total - invoice.creditApplied - invoice.amountPaid - invoice.amountDue;
  const takenBack = paidIt ? min(invoice.credited - neverDue + invoice.prorated, used) : ZERO;
  return money(payment.amount - used + takenBack);
}
