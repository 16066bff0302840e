import { expect, test } from "vitest";

import { SIGNATURE_HEADER, TOLERANCE_S, signWebhook } from "./gateway/signature.ts";
import { type TestBilling, WEBHOOK_KEY, testBilling } from "./testing.ts";

function sendEvent(billing: TestBilling, event: unknown, signedMs = billing.service.clock.now) {
  const body = JSON.stringify(event);
  const signature = signWebhook(WEBHOOK_KEY, Buffer.from(body), signedMs);
  return deliver(billing, body, signature);
}

const deliver = (billing: TestBilling, body: string, signature: string | undefined) =>
  billing.service.send("POST", "/v1/webhooks/sandbox", {
    body,
    headers: {
      "content-type": "application/json",
      ...(signature === undefined ? {} : { [SIGNATURE_HEADER]: signature }),
    },
  });

const reversed = (paymentId: string, id = "evt_1") => ({
  id,
  atMs: 1,
  type: "charge.reversed",
  data: { charge: { id: "ch_1", reference: paymentId }, reason: "returned_by_bank" },
});

test("a duplicate event is acknowledged and not applied again", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok");
  const first = await sendEvent(billing, reversed(paymentId));
  expect(first.json).toEqual({ received: "applied" });
  const again = await Promise.all([1, 2, 3].map(() => sendEvent(billing, reversed(paymentId))));
  expect(again.map((it) => it.json)).toEqual(again.map(() => ({ received: "known_already" })));
  expect(await billing.payment(paymentId)).toMatchObject({ status: "reversed" });
  expect(await billing.differences()).toEqual([0]);
});

test("an event with a missing, wrong or old signature is refused and changes nothing", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok");
  const { now } = billing.service.clock;
  const body = JSON.stringify(reversed(paymentId));
  const good = signWebhook(WEBHOOK_KEY, Buffer.from(body), now);
  const late = signWebhook(WEBHOOK_KEY, Buffer.from(body), now - (TOLERANCE_S + 1) * 1_000);
  const other = signWebhook(Buffer.alloc(32), Buffer.from(body), now);
  for (const signature of [undefined, "", "t=1,v1=00", good.slice(0, -1), late, other]) {
    expect((await deliver(billing, body, signature)).status).toBe(400);
  }
  expect((await deliver(billing, `${body} `, good)).status).toBe(400);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  expect((await deliver(billing, body, good)).status).toBe(200);
});

test("a signed body that is no known event is refused or ignored without an internal error", async () => {
  await using billing = await testBilling();
  const due = { amount: "1", fee: "0", currency: "EUR", reason: "r", evidenceDueByMs: 9e15 };
  const dispute = { id: "dp_1", reference: "pay_1", chargeId: "ch_1", ...due };
  const invalidDate = { id: "evt_1", atMs: 1, type: "dispute.opened", data: { dispute } };
  const nul = { ...reversed("pay_unknown"), id: "evt_\0" };
  for (const body of [
    "",
    "no JSON",
    "null",
    '{"id":"evt_1"}',
    ...[invalidDate, nul].map((it) => JSON.stringify(it)),
  ]) {
    const signature = signWebhook(WEBHOOK_KEY, Buffer.from(body), billing.service.clock.now);
    expect((await deliver(billing, body, signature)).status, body).toBe(400);
  }
  const unknown = await sendEvent(billing, reversed("pay_unknown"));
  expect(unknown.json).toEqual({ received: "not_ours" });
  const noGateway = await billing.service.send("POST", "/v1/webhooks/nobody", { body: {} });
  expect(noGateway.status).toBe(404);
});

test("a dispute whose closing is reported before its opening is opened and closed", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok", 800);
  const dispute = {
    id: "dp_1",
    reference: paymentId,
    chargeId: "ch_1",
    amount: "800",
    fee: "1500",
    currency: "EUR",
    reason: "fraudulent",
    evidenceDueByMs: billing.service.clock.now + 1_000,
  };
  const event = { atMs: 1, data: { dispute, outcome: "lost" } };
  await sendEvent(billing, { ...event, id: "evt_2", type: "dispute.closed" });
  await sendEvent(billing, { ...event, id: "evt_1", type: "dispute.opened" });
  const disputes = await billing.list(`/v1/disputes?paymentId=${paymentId}`);
  expect(disputes).toMatchObject([{ status: "lost", amount: 800 }]);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "charged_back" });
  expect(await billing.differences()).toEqual([0]);
});

test("a webhook that was not accepted is delivered again", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("ok");
  const undelivered = (): Promise<unknown[]> =>
    billing.service.database.query("SELECT id FROM sandbox_events WHERE delivered_at IS NULL");
  await billing.service.database.query("ALTER TABLE webhook_events RENAME TO away");
  await billing.post(`/sandbox/payments/${paymentId}/reverse`, undefined, 202);
  await billing.service.runJobs();
  // Longer than jobs of other services are retried.
  for (let hour = 0; hour < 16; hour += 1) await billing.after(3_600_000);
  expect(await undelivered()).toHaveLength(1);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  await billing.service.database.query("ALTER TABLE away RENAME TO webhook_events");
  await billing.after(3_600_000);
  expect(await undelivered()).toHaveLength(0);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "reversed" });
});
