import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { requestRefund } from "../commands/refunds.ts";
import { fromWire } from "../domain/money.ts";
import type { BillingKit } from "../kit.ts";
import { type Refund, listRefunds, readRefund } from "../repositories/refunds.ts";
import { Amount, Currency, Moment, PositiveAmount } from "./wire.ts";

const REFUNDS_READ = "billing:refunds:read";
const REFUNDS_WRITE = "billing:refunds:write";

const RefundBody = z
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

const bodyOf = (it: Refund) => toBody(RefundBody, it);

const addRefund = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/v1/refunds",
    operationId: "addRefund",
    tag: "Refunds",
    summary: "Refund a payment or a part of it",
    description: "Default amount: all that is left. Refunds never exceed the payment.",
    rule: { allow: "permission", permission: REFUNDS_WRITE },
    body: z.strictObject({
      paymentId: idOf("pay"),
      amount: PositiveAmount.optional(),
      reason: text({ max: 500 }),
    }),
    idempotency: "required",
    responses: {
      201: { description: "Accepted; poll its status for the outcome", body: RefundBody },
    },
    handle: ({ body, write, nowMs, traceId }) =>
      write(async (tx) => {
        const amount = body.amount === undefined ? undefined : fromWire(body.amount);
        const refund = await requestRefund({ kit, tx, nowMs, traceId }, { ...body, amount });
        const headers = { location: `/v1/refunds/${refund.id}` };
        return { status: 201, headers, body: bodyOf(refund) };
      }),
  });

const getRefund = route({
  method: "GET",
  path: "/v1/refunds/{refundId}",
  operationId: "getRefund",
  tag: "Refunds",
  summary: "Get a refund",
  rule: { allow: "permission", permission: REFUNDS_READ },
  params: z.strictObject({ refundId: idOf("ref") }),
  reads: "replica",
  responses: { 200: { description: "The refund", body: RefundBody } },
  handle: async ({ params: { refundId }, read }) => ({
    status: 200,
    body: bodyOf(await readRefund(read, refundId)),
  }),
});

const getRefunds = route({
  method: "GET",
  path: "/v1/refunds",
  operationId: "listRefunds",
  tag: "Refunds",
  summary: "List refunds, newest first",
  rule: { allow: "permission", permission: REFUNDS_READ },
  query: pageQuery({ paymentId: idOf("pay").optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of refunds", body: pageOf(RefundBody) } },
  async handle({ query, read }) {
    const rows = await listRefunds(read, { ...pageStart(query), paymentId: query.paymentId });
    return pageResponse(rows, query, { item: bodyOf, cursor: createdCursor });
  },
});

export const refundRoutes = (kit: BillingKit): Route[] => [addRefund(kit), getRefunds, getRefund];
