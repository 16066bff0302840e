import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { LATER_MS } from "./domain/sandbox.ts";
import { testBilling } from "./testing.ts";

test("100 concurrent refunds by two instances never exceed the charge", async () => {
  await using billing = await testBilling();
  await using second = await testBilling({ databaseUrl: billing.service.databaseUrl });
  second.service.clock.now = billing.service.clock.now;
  const { paymentId } = await billing.paidBy("ok", 1_000);
  const refund = (_: unknown, index: number): Promise<number> => {
    const body = { paymentId, amount: 70, reason: "requested" };
    const headers = { "idempotency-key": randomUUID() };
    return (index % 2 ? billing : second).statusOf("POST", "/v1/refunds", { body, headers });
  };
  const statuses = await Promise.all(Array.from({ length: 100 }, refund));
  expect(statuses.filter((it) => it === 201)).toHaveLength(14);
  expect(statuses.filter((it) => it === 409)).toHaveLength(86);
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({
    status: "partially_refunded",
    refunded: 980,
    refundPending: 0,
  });
  await billing.post("/v1/refunds", { paymentId, reason: "the rest" });
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({ status: "refunded", refunded: 1_000 });
  await billing.post("/v1/refunds", { paymentId, reason: "more" }, 409);
  const [given] = await billing.service.database.query(
    "SELECT sum(amount)::int AS sum FROM sandbox_refunds WHERE status = 'succeeded'",
  );
  expect(given).toEqual({ sum: 1_000 });
  expect(await billing.differences()).toEqual([0]);
});

test("a refund that fails later is reversed in the ledger and in the payment", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("refund_fails", 900);
  const { id } = await billing.post("/v1/refunds", { paymentId, reason: "requested" });
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({ refundPending: 900, refunded: 0 });
  await billing.after(LATER_MS.refund);
  expect(await billing.get(`/v1/refunds/${String(id)}`)).toMatchObject({
    status: "failed",
    failure: "refund_refused_by_bank",
  });
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded", refundPending: 0 });
  const balance = await billing.get("/v1/ledger/balance");
  expect(balance["accounts"]).toContainEqual(
    expect.objectContaining({ account: "refunds", balance: 0 }),
  );
  expect(await billing.differences()).toEqual([0]);
});

test("a refund that succeeds later is applied once", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("refund_late", 900);
  await billing.post("/v1/refunds", { paymentId, amount: 400, reason: "requested" });
  await billing.service.runJobs();
  await billing.after(LATER_MS.refund);
  expect(await billing.payment(paymentId)).toMatchObject({ refunded: 400, refundPending: 0 });
  await billing.expectEvents("billing.refund.succeeded", 1);
});

test("a failed payment and more than the payment cannot be refunded", async () => {
  await using billing = await testBilling();
  const declined = await billing.paidBy("declined");
  await billing.post("/v1/refunds", { paymentId: declined.paymentId, reason: "no" }, 409);
  const { paymentId } = await billing.paidBy("ok", 500);
  await billing.post("/v1/refunds", { paymentId, amount: 501, reason: "no" }, 409);
  await billing.post("/v1/refunds", { paymentId: `pay_${"0".repeat(24)}`, reason: "no" }, 404);
  const body = { paymentId, reason: "no" };
  expect((await billing.send("POST", "/v1/refunds", { body })).status).toBe(400);
});
