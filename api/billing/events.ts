import { z } from "zod";

import { defineEvent, defineEvents } from "#platform/events/define-event.ts";

import { WIRE_MAX } from "./domain/money.ts";

const id = z.string().min(1);
const currency = z.string().regex(/^[A-Z]{3}$/);
/** In the minor unit of the currency. */
const amount = z.int().min(-WIRE_MAX).max(WIRE_MAX);

const Invoice = z.strictObject({
  invoiceId: id,
  number: z.string().nullable(),
  customerId: id,
  subscriptionId: id.nullable(),
  currency,
  subtotal: amount,
  discount: amount,
  tax: amount,
  total: amount,
  amountDue: amount,
});
const CreditNote = z.strictObject({
  creditNoteId: id,
  invoiceId: id,
  customerId: id,
  currency,
  amount,
  tax: amount,
});
const Subscription = z.strictObject({
  subscriptionId: id,
  customerId: id,
  planId: id,
  priceId: id,
  quantity: z.int(),
  status: z.string().min(1),
  currency,
  mrr: amount.min(0),
});
const Payment = z.strictObject({
  paymentId: id,
  invoiceId: id,
  customerId: id,
  currency,
  amount,
  reason: z.string().optional(),
});
const Refund = z.strictObject({
  refundId: id,
  paymentId: id,
  customerId: id,
  currency,
  amount,
  reason: z.string().optional(),
});
const Dispute = z.strictObject({
  disputeId: id,
  paymentId: id,
  customerId: id,
  currency,
  amount,
  fee: amount,
  status: z.string().min(1),
});
const Dunning = z.strictObject({
  invoiceId: id,
  subscriptionId: id,
  customerId: id,
  retries: z.int(),
  currency,
  amount,
});
const FraudWarning = z.strictObject({
  paymentId: id,
  invoiceId: id,
  customerId: id,
});

export const billingEvents = [
  ...defineEvents("invoice", ["finalized", "paid", "voided", "uncollectible", "reopened"], Invoice),
  defineEvent("credit_note.issued", CreditNote),
  ...defineEvents("subscription", ["created", "changed", "canceled"], Subscription),
  ...defineEvents("payment", ["succeeded", "failed"], Payment),
  defineEvent("payment.fraud_warned", FraudWarning),
  ...defineEvents("refund", ["succeeded", "failed"], Refund),
  ...defineEvents("dispute", ["opened", "evidence_submitted", "won", "lost"], Dispute),
  ...defineEvents("dunning", ["started", "retried", "recovered", "exhausted"], Dunning),
];
export type BillingEvent = (typeof billingEvents)[number];
