import { z } from "zod";

import { idOf, text, iso, isoOrNull } from "#platform/http/schema.ts";

import { DISPUTE_STATUSES } from "../domain/disputes.ts";
import { PAYMENT_STATUSES, displayStatus } from "../domain/payments.ts";
import type { Dispute } from "../repositories/disputes.ts";
import type { PaymentMethod } from "../repositories/payment-methods.ts";
import type { Payment } from "../repositories/payments.ts";
import type { Refund } from "../repositories/refunds.ts";
import { AddedAmount, Amount, Currency, Moment, Version, wires } from "./wire.ts";

export const PaymentMethodBody = z
  .strictObject({
    id: idOf("pm"),
    customerId: idOf("cus"),
    type: z.literal("card"),
    card: z.strictObject({
      brand: z.string(),
      last4: z.string(),
      expMonth: z.int(),
      expYear: z.int(),
      fingerprint: z.string().describe("The same for the same card"),
    }),
    default: z.boolean(),
    version: Version,
    createdAt: Moment,
  })
  .meta({ id: "PaymentMethod" });

export const methodBody = (it: PaymentMethod): z.input<typeof PaymentMethodBody> => ({
  id: it.id,
  customerId: it.customerId,
  type: "card",
  card: {
    brand: it.brand,
    last4: it.last4,
    expMonth: it.expMonth,
    expYear: it.expYear,
    fingerprint: it.fingerprint,
  },
  default: it.isDefault,
  version: it.version,
  createdAt: iso(it.createdMs),
});

export const PaymentBody = z
  .strictObject({
    id: idOf("pay"),
    invoiceId: idOf("inv"),
    customerId: idOf("cus"),
    subscriptionId: idOf("sub").nullable(),
    paymentMethodId: idOf("pm"),
    status: z.enum(PAYMENT_STATUSES),
    reason: z.string().nullable().describe("Why it failed or was taken back"),
    currency: Currency,
    amount: Amount,
    refunded: Amount,
    refundPending: Amount,
    disputed: AddedAmount,
    automatic: z.boolean().describe("Begun by Billing, not by a person"),
    fraudWarned: z.boolean(),
    version: Version,
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Payment" });

export const paymentBody = (it: Payment): z.input<typeof PaymentBody> => ({
  id: it.id,
  invoiceId: it.invoiceId,
  customerId: it.customerId,
  subscriptionId: it.subscriptionId,
  paymentMethodId: it.paymentMethodId,
  status: displayStatus(it),
  reason: "reason" in it.state ? it.state.reason : null,
  currency: it.currency,
  ...wires(it, "amount", "refunded", "refundPending", "disputed"),
  automatic: it.automatic,
  fraudWarned: it.fraudWarned,
  version: it.version,
  createdAt: iso(it.createdMs),
  updatedAt: iso(it.updatedMs),
});

export const RefundBody = z
  .strictObject({
    id: idOf("ref"),
    paymentId: idOf("pay"),
    customerId: idOf("cus"),
    status: z.enum(["pending", "succeeded", "failed"]),
    currency: Currency,
    amount: Amount,
    reason: z.string(),
    failure: z.string().nullable(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Refund" });

export const refundBody = ({
  createdMs,
  updatedMs,
  ...it
}: Refund): z.input<typeof RefundBody> => ({
  ...it,
  ...wires(it, "amount"),
  createdAt: iso(createdMs),
  updatedAt: iso(updatedMs),
});

/** What a merchant can say for itself; every part is optional, one must be there. */
export const Evidence = z
  .strictObject({
    explanation: text({ max: 20_000 }).optional(),
    customerCommunication: text({ max: 20_000 }).optional(),
    serviceDocumentation: text({ max: 20_000 }).optional(),
    refundPolicy: text({ max: 20_000 }).optional(),
    accessLog: text({ max: 20_000 }).optional(),
  })
  .refine((it) => Object.values(it).some((words) => words !== undefined), {
    error: "give at least one kind of evidence, such as an explanation",
  })
  .meta({ id: "Evidence" });

export const DisputeBody = z
  .strictObject({
    id: idOf("dsp"),
    paymentId: idOf("pay"),
    customerId: idOf("cus"),
    status: z.enum(DISPUTE_STATUSES),
    reason: z.string(),
    currency: Currency,
    amount: AddedAmount,
    fee: AddedAmount,
    excess: AddedAmount.describe("How much more is disputed than was left of the payment"),
    evidence: z.record(z.string(), z.string()).nullable(),
    evidenceDueBy: Moment,
    openedAt: Moment,
    closedAt: Moment.nullable(),
    version: Version,
  })
  .meta({ id: "Dispute" });

export const disputeBody = (it: Dispute): z.input<typeof DisputeBody> => ({
  id: it.id,
  paymentId: it.paymentId,
  customerId: it.customerId,
  status: it.status,
  reason: it.reason,
  currency: it.currency,
  ...wires(it, "amount", "fee", "excess"),
  evidence: it.evidence,
  evidenceDueBy: iso(it.evidenceDueByMs),
  openedAt: iso(it.openedMs),
  closedAt: isoOrNull(it.closedMs),
  version: it.version,
});
