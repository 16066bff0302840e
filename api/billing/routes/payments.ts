import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import { type Caller, mayActFor } from "#platform/http/caller.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { confirmPayment, payInvoice } from "../commands/payments.ts";
import { readCustomer } from "../repositories/customers.ts";
import { lockInvoice, noInvoice } from "../repositories/invoices.ts";
import { type Payment, listPayments, noPayment, readPayment } from "../repositories/payments.ts";
import { PaymentBody, paymentBody } from "./payments-wire.ts";
import { createdCursor, listFrom, visibleAccountId } from "./wire.ts";

export const PAYMENTS_READ = "billing:payments:read";
export const PAYMENTS_WRITE = "billing:payments:write";

const ofPayment = z.strictObject({ paymentId: idOf("pay") });

const payRoute = (kit: Kit): Route =>
  route({
    method: "POST",
    path: "/v1/invoices/{invoiceId}/pay",
    operationId: "payInvoice",
    tag: "Payments",
    summary: "Pays an invoice",
    description:
      "The payment is recorded, and charged after the answer: read it until its status is an end, or requires_action. One payment of an invoice is under way at a time.",
    rule: { allow: "own-or", permission: PAYMENTS_WRITE },
    params: z.strictObject({ invoiceId: idOf("inv") }),
    body: z.strictObject({ paymentMethodId: idOf("pm").optional() }),
    idempotency: "required",
    answers: { 202: { description: "The payment has begun", body: PaymentBody } },
    handle: ({ params: { invoiceId }, body, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        const invoice = await lockInvoice(tx, invoiceId);
        const { accountId } = await readCustomer(tx, invoice.customerId);
        if (!mayActFor(caller, accountId, PAYMENTS_WRITE)) throw noInvoice(invoiceId);
        const { paymentMethodId } = body;
        const payment = await payInvoice({ kit, tx, nowMs, traceId }, { invoice, paymentMethodId });
        return { status: 202, headers: locationOf(payment), body: paymentBody(payment) };
      }),
  });

const locationOf = ({ id, version }: Payment): Record<string, string> => ({
  ...etagOf(version),
  location: `/v1/payments/${id}`,
});

const confirmRoute = (kit: Kit): Route =>
  route({
    method: "POST",
    path: "/v1/payments/{paymentId}/confirm",
    operationId: "confirmPayment",
    tag: "Payments",
    summary: "Goes on with a payment after its owner was authenticated",
    rule: { allow: "own-or", permission: PAYMENTS_WRITE },
    params: ofPayment,
    idempotency: "required",
    answers: { 202: { description: "The payment goes on", body: PaymentBody } },
    handle: ({ params: { paymentId }, caller, write, nowMs, traceId }) =>
      write(async (tx) => {
        await owned(tx, caller, { id: paymentId, permission: PAYMENTS_WRITE });
        const payment = await confirmPayment({ kit, tx, nowMs, traceId }, paymentId);
        return { status: 202, headers: locationOf(payment), body: paymentBody(payment) };
      }),
  });

async function owned(
  db: Queryable,
  caller: Caller,
  { id, permission }: { id: string; permission: string },
): Promise<Payment> {
  const payment = await readPayment(db, id);
  const { accountId } = await readCustomer(db, payment.customerId);
  if (!mayActFor(caller, accountId, permission)) throw noPayment(id);
  return payment;
}

const getPayment = route({
  method: "GET",
  path: "/v1/payments/{paymentId}",
  operationId: "getPayment",
  tag: "Payments",
  summary: "A payment",
  rule: { allow: "own-or", permission: PAYMENTS_READ },
  params: ofPayment,
  reads: "replica",
  answers: { 200: { description: "The payment", body: PaymentBody } },
  async handle({ params: { paymentId: id }, caller, read }) {
    const payment = await owned(read, caller, { id, permission: PAYMENTS_READ });
    return { status: 200, headers: etagOf(payment.version), body: paymentBody(payment) };
  },
});

const getPayments = route({
  method: "GET",
  path: "/v1/payments",
  operationId: "listPayments",
  tag: "Payments",
  summary: "Payments, newest first",
  description: "Without the permission: one's own.",
  rule: { allow: "own-or", permission: PAYMENTS_READ },
  query: pageQuery({ customerId: idOf("cus").optional(), invoiceId: idOf("inv").optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of payments", body: pageOf(PaymentBody) } },
  async handle({ query, caller, read }) {
    const rows = await listPayments(read, {
      ...listFrom(query),
      accountId: visibleAccountId(caller, PAYMENTS_READ),
      customerId: query.customerId,
      invoiceId: query.invoiceId,
    });
    const by = { item: paymentBody, cursor: createdCursor };
    return { status: 200, body: cutPage(rows, query.limit, by) };
  },
});

export const paymentRoutes = (kit: Kit): Route[] => [
  payRoute(kit),
  getPayments,
  getPayment,
  confirmRoute(kit),
];
