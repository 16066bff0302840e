import { z } from "zod";

import { idOf, isoOrNull, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import {
  INVOICE_STATUSES,
  type InvoiceLine,
  LINE_KINDS,
  type LineDraft,
  withDiscount,
} from "../domain/invoice.ts";
import { ZERO, fromWire, basisPointsOf, sum } from "../domain/money.ts";
import { grossOf } from "../domain/proration.ts";
import type { Invoice } from "../repositories/invoices.ts";
import {
  Amount,
  BasisPoints,
  Currency,
  Moment,
  PositiveAmount,
  Quantity,
  SignedAmount,
  UnboundedAmount,
  Version,
} from "./wire.ts";

const LineBody = z
  .strictObject({
    kind: z.enum(LINE_KINDS),
    description: z.string(),
    quantity: z.int(),
    unitAmount: Amount,
    amount: SignedAmount.describe("Before discount"),
    discount: SignedAmount,
    taxBasisPoints: BasisPoints,
    taxInclusive: z.boolean(),
    tax: SignedAmount,
    total: SignedAmount,
    periodStart: Moment.nullable(),
    periodEnd: Moment.nullable(),
  })
  .meta({ id: "InvoiceLine" });

export const InvoiceStatusName = z.enum(INVOICE_STATUSES);

const invoiceShape = {
  id: idOf("inv"),
  customerId: idOf("cus"),
  subscriptionId: idOf("sub").nullable(),
  status: InvoiceStatusName,
  number: z.string().nullable().describe("Without gaps; null for a draft"),
  currency: Currency,
  subtotal: SignedAmount.describe("Sum of the lines before discounts"),
  discount: SignedAmount,
  tax: SignedAmount,
  total: SignedAmount,
  creditApplied: SignedAmount.describe("Paid by the customer's credit; negative: added to it"),
  amountDue: UnboundedAmount,
  amountPaid: Amount,
  credited: Amount.describe("By credit notes"),
  memo: z.string(),
  dueDays: z.int(),
  createdAt: Moment,
  finalizedAt: Moment.nullable(),
  dueAt: Moment.nullable(),
  paidAt: Moment.nullable(),
  voidedAt: Moment.nullable(),
  paymentId: z.string().nullable(),
  version: Version,
};

export const InvoiceSummary = z.strictObject(invoiceShape).meta({ id: "InvoiceSummary" });
export const InvoiceBody = z
  .strictObject({ ...invoiceShape, lines: z.array(LineBody) })
  .meta({ id: "Invoice" });

export const summaryOf = (it: Invoice) => toBody(InvoiceSummary, it);

export const invoiceOf = (
  invoice: Invoice,
  lines: readonly InvoiceLine[],
): z.input<typeof InvoiceBody> => ({ ...summaryOf(invoice), lines: lines.map(lineOf) });

const lineOf = ({ taxRate, period, ...it }: InvoiceLine) =>
  toBody(LineBody, {
    ...it,
    taxBasisPoints: taxRate.basisPoints,
    taxInclusive: taxRate.inclusive,
    periodStart: isoOrNull(period?.startMs ?? null),
    periodEnd: isoOrNull(period?.endMs ?? null),
  });

export const DraftInput = {
  lines: z
    .array(
      z.strictObject({
        description: text({ max: 500 }),
        quantity: Quantity.default(1),
        unitAmount: Amount,
      }),
    )
    .min(1)
    .max(100),
  discount: z
    .union([
      z.strictObject({ basisPointsOff: BasisPoints.min(1) }),
      z.strictObject({ amountOff: PositiveAmount }),
    ])
    .optional()
    .describe("On the sum of the lines; distributed over them in proportion to their amounts"),
  memo: z.string().max(1_000).default(""),
  dueDays: z.int().min(0).max(365).default(14),
};
const Draft = z.strictObject(DraftInput);

/** Lines with the discount distributed over them. */
export function linesOf(input: Pick<z.output<typeof Draft>, "lines" | "discount">): LineDraft[] {
  const lines = input.lines.map((it) => {
    const unitAmount = fromWire(it.unitAmount);
    const amount = grossOf(unitAmount, it.quantity);
    return { ...it, kind: "item" as const, unitAmount, amount, discount: ZERO };
  });
  const { discount } = input;
  if (discount === undefined) return lines;
  const all = sum(lines.map((it) => it.amount));
  const off =
    "basisPointsOff" in discount
      ? basisPointsOf(all, discount.basisPointsOff)
      : fromWire(discount.amountOff);
  return withDiscount(lines, off);
}
