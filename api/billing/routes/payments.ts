import { z } from "zod";

import type { Caller } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { confirmPayment, payInvoice } from "../commands/payments.ts";
import { PAYMENT_STATUSES, displayStatus } from "../domain/payments.ts";
import type { BillingKit } from "../kit.ts";
import { lockInvoice, noInvoice } from "../repositories/invoices.ts";
import { type Payment, listPayments, noPayment, readPayment } from "../repositories/payments.ts";
import {
  Amount,
  Currency,
  Moment,
  UnboundedAmount,
  Version,
  requireOwner,
  visibleAccountId,
} from "./wire.ts";

const PAYMENTS_READ = "billing:payments:read";
const PAYMENTS_WRITE = "billing:payments:write";

const PaymentBody = z
  .strictObject({
    id: idOf("pay"),
    invoiceId: idOf("inv"),
    customerId: idOf("cus"),
    subscriptionId: idOf("sub").nullable(),
    paymentMethodId: idOf("pm"),
    status: z.enum(PAYMENT_STATUSES),
    reason: z.string().nullable().describe("Why it failed or was reversed"),
    currency: Currency,
    amount: Amount,
    refunded: Amount,
    refundPending: Amount,
    disputed: UnboundedAmount,
    automatic: z.boolean().describe("Started by Billing, not by a person"),
    fraudWarned: z.boolean(),
    version: Version,
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Payment" });

const bodyOf = (it: Payment) =>
  toBody(PaymentBody, {
    ...it,
    status: displayStatus(it),
    reason: "reason" in it.state ? it.state.reason : null,
  });

const ofPayment = z.strictObject({ paymentId: idOf("pay") });

function accepted(payment: Payment) {
  const { headers, ...response } = versioned(202, bodyOf(payment));
  return { ...response, headers: { ...headers, location: `/v1/payments/${payment.id}` } };
}

const payRoute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/invoices/{invoiceId}/pay",
    operationId: "payInvoice",
    tag: "Payments",
    summary: "Pay an invoice",
    description:
      "The payment is charged after the response: poll it until its status is final or requires_action. An invoice can have one payment in progress.",
    rule: { allow: "own-or", permission: PAYMENTS_WRITE },
    params: z.strictObject({ invoiceId: idOf("inv") }),
    body: z.strictObject({ paymentMethodId: idOf("pm").optional() }),
    idempotency: "required",
    responses: { 202: { description: "The payment was started", body: PaymentBody } },
    handle: ({ params: { invoiceId }, body, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        const by = { caller, permission: PAYMENTS_WRITE, otherwise: noInvoice(invoiceId) };
        const invoice = await requireOwner(tx, await lockInvoice(tx, invoiceId), by);
        const { paymentMethodId } = body;
        const context = { kit, tx, nowMs, traceId };
        return accepted(await payInvoice(context, { invoice, paymentMethodId }));
      }),
  });

const confirmRoute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/payments/{paymentId}/confirm",
    operationId: "confirmPayment",
    tag: "Payments",
    summary: "Continue a payment after authentication",
    rule: { allow: "own-or", permission: PAYMENTS_WRITE },
    params: ofPayment,
    idempotency: "required",
    responses: { 202: { description: "The payment continues", body: PaymentBody } },
    handle: ({ params: { paymentId }, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        await readOwned(tx, paymentId, { caller, permission: PAYMENTS_WRITE });
        return accepted(await confirmPayment({ kit, tx, nowMs, traceId }, paymentId));
      }),
  });

async function readOwned(
  db: Queryable,
  id: string,
  { caller, permission }: { caller: Caller; permission: string },
): Promise<Payment> {
  const by = { caller, permission, otherwise: noPayment(id) };
  return requireOwner(db, await readPayment(db, id), by);
}

const getPayment = route({
  method: "GET",
  path: "/v1/payments/{paymentId}",
  operationId: "getPayment",
  tag: "Payments",
  summary: "Get a payment",
  rule: { allow: "own-or", permission: PAYMENTS_READ },
  params: ofPayment,
  reads: "replica",
  responses: { 200: { description: "The payment", body: PaymentBody } },
  async handle({ params: { paymentId }, caller, read }) {
    const by = { caller, permission: PAYMENTS_READ };
    return versioned(200, bodyOf(await readOwned(read, paymentId, by)));
  },
});

const getPayments = route({
  method: "GET",
  path: "/v1/payments",
  operationId: "listPayments",
  tag: "Payments",
  summary: "List payments, newest first",
  description: "Without the permission: only the caller's own.",
  rule: { allow: "own-or", permission: PAYMENTS_READ },
  query: pageQuery({ customerId: idOf("cus").optional(), invoiceId: idOf("inv").optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of payments", body: pageOf(PaymentBody) } },
  async handle({ query, caller, read }) {
    const accountId = visibleAccountId(caller, PAYMENTS_READ);
    const rows = await listPayments(read, { ...query, ...pageStart(query), accountId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

export const paymentRoutes = (kit: BillingKit): Route[] => [
  payRoute(kit),
  getPayments,
  getPayment,
  confirmRoute(kit),
];
