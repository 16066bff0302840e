import { z } from "zod";

import { defineEvent, defineEvents } from "#platform/events/define-event.ts";

const currency = z.string();
/** In the minor unit of the currency. */
const amount = z.int();

const Invoice = z.strictObject({
  invoiceId: z.string(),
  number: z.string().nullable(),
  customerId: z.string(),
  subscriptionId: z.string().nullable(),
  currency,
  subtotal: amount,
  discount: amount,
  tax: amount,
  total: amount,
  amountDue: amount,
});
const CreditNote = z.strictObject({
  creditNoteId: z.string(),
  invoiceId: z.string(),
  customerId: z.string(),
  currency,
  amount,
  tax: amount,
});
const Subscription = z.strictObject({
  subscriptionId: z.string(),
  customerId: z.string(),
  planId: z.string(),
  priceId: z.string(),
  quantity: z.int(),
  status: z.string(),
  currency,
  mrr: amount,
});
const Payment = z.strictObject({
  paymentId: z.string(),
  invoiceId: z.string(),
  customerId: z.string(),
  currency,
  amount,
  reason: z.string().optional(),
});
const Refund = z.strictObject({
  refundId: z.string(),
  paymentId: z.string(),
  customerId: z.string(),
  currency,
  amount,
  reason: z.string().optional(),
});
const Dispute = z.strictObject({
  disputeId: z.string(),
  paymentId: z.string(),
  customerId: z.string(),
  currency,
  amount,
  fee: amount,
  status: z.string(),
});
const Dunning = z.strictObject({
  invoiceId: z.string(),
  subscriptionId: z.string(),
  customerId: z.string(),
  retries: z.int(),
  currency,
  amount,
});
const FraudWarning = z.strictObject({
  paymentId: z.string(),
  invoiceId: z.string(),
  customerId: z.string(),
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
