import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";
import { idOf, text } from "#platform/http/schema.ts";

import {
  disputeSandboxPayment,
  reverseSandboxPayment,
  settleSandboxDispute,
} from "../commands/sandbox.ts";
import { fromWire } from "../domain/money.ts";
import { OUTCOME_KEYWORDS, TEST_CARDS } from "../domain/sandbox.ts";
import type { BillingKit } from "../kit.ts";
import { PositiveAmount } from "./wire.ts";

const SANDBOX_WRITE = "billing:sandbox:write";

const rule = { allow: "permission", permission: SANDBOX_WRITE } as const;
const tag = "Sandbox";
const responses = {
  202: { description: "Done by the bank; Billing is notified by webhook" },
} as const;
const ofPayment = z.strictObject({ paymentId: idOf("pay") });

const getCards = route({
  method: "GET",
  path: "/sandbox/cards",
  operationId: "listTestCards",
  tag,
  summary: "List the test cards of the sandbox gateway and their behaviour",
  rule: { allow: "anyone", why: "they are published test numbers" },
  responses: {
    200: {
      description: "The cards",
      body: z.array(z.strictObject({ name: z.string(), number: z.string(), does: z.string() })),
    },
  },
  handle: () =>
    Promise.resolve({
      status: 200 as const,
      body: TEST_CARDS.map(({ name, number, does }) => ({ name, number, does })),
    }),
});

const closeDispute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/sandbox/disputes/{disputeId}/close",
    operationId: "closeSandboxDispute",
    tag,
    summary: "Decide a dispute as the bank",
    description: `Evidence that contains ${OUTCOME_KEYWORDS.won} or ${OUTCOME_KEYWORDS.lost} has the same effect.`,
    rule,
    params: z.strictObject({ disputeId: idOf("dsp") }),
    body: z.strictObject({ outcome: z.enum(["won", "lost"]) }),
    idempotency: "required",
    responses,
    handle: ({ params: { disputeId }, body: { outcome }, write, nowMs, traceId }) =>
      write(async (tx) => {
        await settleSandboxDispute({ kit, tx, nowMs, traceId }, disputeId, outcome);
        return { status: 202 };
      }),
  });

const dispute = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/sandbox/payments/{paymentId}/dispute",
    operationId: "disputeSandboxPayment",
    tag,
    summary: "Dispute a payment as the card holder",
    rule,
    params: ofPayment,
    body: z.strictObject({
      amount: PositiveAmount.optional(),
      reason: text({ max: 100 }).default("fraudulent"),
    }),
    idempotency: "required",
    responses,
    handle: ({ params: { paymentId }, body, write, nowMs, traceId }) =>
      write(async (tx) => {
        const amount = body.amount === undefined ? undefined : fromWire(body.amount);
        const { reason } = body;
        await disputeSandboxPayment({ kit, tx, nowMs, traceId }, paymentId, { amount, reason });
        return { status: 202 };
      }),
  });

const reverse = (kit: BillingKit): Route =>
  route({
    method: "POST",
    path: "/sandbox/payments/{paymentId}/reverse",
    operationId: "reverseSandboxPayment",
    tag,
    summary: "Reverse a succeeded payment as the bank",
    rule,
    params: ofPayment,
    idempotency: "required",
    responses,
    handle: ({ params: { paymentId }, write, nowMs, traceId }) =>
      write(async (tx) => {
        await reverseSandboxPayment({ kit, tx, nowMs, traceId }, paymentId);
        return { status: 202 };
      }),
  });

/** Simulates card holders and the bank. */
export const sandboxRoutes = (kit: BillingKit): Route[] => [
  getCards,
  closeDispute(kit),
  dispute(kit),
  reverse(kit),
];
