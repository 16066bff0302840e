import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import { cutPage } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery, text } from "#platform/http/schema.ts";

import { requestRefund } from "../commands/refunds.ts";
import { fromWire } from "../domain/money.ts";
import { listRefunds, readRefund } from "../repositories/refunds.ts";
import { RefundBody, refundBody } from "./payments-wire.ts";
import { PositiveAmount, createdCursor, listFrom } from "./wire.ts";

export const REFUNDS_READ = "billing:refunds:read";
export const REFUNDS_WRITE = "billing:refunds:write";

const addRefund = (kit: Kit): Route =>
  route({
    method: "POST",
    path: "/v1/refunds",
    operationId: "addRefund",
    tag: "Refunds",
    summary: "Gives money of a payment back",
    description:
      "Without an amount: all that is left of it. Refunds never come to more than the payment.",
    rule: { allow: "permission", permission: REFUNDS_WRITE },
    body: z.strictObject({
      paymentId: idOf("pay"),
      amount: PositiveAmount.optional(),
      reason: text({ max: 500 }),
    }),
    idempotency: "required",
    answers: {
      201: { description: "Promised; its status tells how it came out", body: RefundBody },
    },
    handle: ({ body, write, nowMs, traceId }) =>
      write(async (tx) => {
        const amount = body.amount === undefined ? undefined : fromWire(body.amount);
        const refund = await requestRefund({ kit, tx, nowMs, traceId }, { ...body, amount });
        const headers = { location: `/v1/refunds/${refund.id}` };
        return { status: 201, headers, body: refundBody(refund) };
      }),
  });

const getRefund = route({
  method: "GET",
  path: "/v1/refunds/{refundId}",
  operationId: "getRefund",
  tag: "Refunds",
  summary: "A refund",
  rule: { allow: "permission", permission: REFUNDS_READ },
  params: z.strictObject({ refundId: idOf("ref") }),
  reads: "replica",
  answers: { 200: { description: "The refund", body: RefundBody } },
  handle: async ({ params: { refundId }, read }) => ({
    status: 200,
    body: refundBody(await readRefund(read, refundId)),
  }),
});

const getRefunds = route({
  method: "GET",
  path: "/v1/refunds",
  operationId: "listRefunds",
  tag: "Refunds",
  summary: "Refunds, newest first",
  rule: { allow: "permission", permission: REFUNDS_READ },
  query: pageQuery({ paymentId: idOf("pay").optional() }),
  reads: "replica",
  answers: { 200: { description: "A page of refunds", body: pageOf(RefundBody) } },
  async handle({ query, read }) {
    const rows = await listRefunds(read, { ...listFrom(query), paymentId: query.paymentId });
    const by = { item: refundBody, cursor: createdCursor };
    return { status: 200, body: cutPage(rows, query.limit, by) };
  },
});

export const refundRoutes = (kit: Kit): Route[] => [addRefund(kit), getRefunds, getRefund];
