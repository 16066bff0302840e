import { expect, test } from "vitest";

import { ATTEMPTS_MAX } from "#platform/jobs/define-job.ts";

import { LATER_MS, TEST_CARDS } from "./domain/sandbox.ts";
import { numberOf, testBilling } from "./testing.ts";

test("a payment is charged after the response, pays its invoice and is posted", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId } = await billing.paidBy("ok", 4_200);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded", amount: 4_200 });
  expect(await billing.get(`/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
  await billing.expectEvents("billing.payment.succeeded", 1);
  await billing.expectEvents("billing.invoice.paid", 1);
  expect(await billing.differences()).toEqual([0]);
});

test("of concurrent payments of an invoice one starts and the others are refused", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  const pay = (key: string) =>
    billing.send("POST", `/v1/invoices/${invoiceId}/pay`, {
      body: {},
      headers: { "idempotency-key": key },
    });
  const responses = await Promise.all(["a", "b", "a"].map(pay));
  expect(responses.filter((it) => it.status === 202)).not.toHaveLength(3);
  expect(new Set(responses.map((it) => it.status))).toEqual(new Set([202, 409]));
  await billing.service.runJobs();
  expect((await pay("c")).status).toBe(409);
  expect(await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).toHaveLength(1);
});

test("a declined payment has a reason and another card can pay the invoice", async () => {
  await using billing = await testBilling();
  const declined = TEST_CARDS.filter((it) => it.behaviour.charge === "fails");
  for (const { name, behaviour } of declined) {
    const { paymentId, invoiceId, customerId } = await billing.paidBy(name);
    const failed = await billing.payment(paymentId);
    expect(failed, name).toMatchObject({ status: "failed", reason: behaviour.reason });
    const paymentMethodId = await billing.addCard(customerId, "ok_amex");
    await billing.pay(invoiceId, { paymentMethodId });
    await billing.service.runJobs();
    const invoice = await billing.get(`/v1/invoices/${invoiceId}`);
    expect(invoice, name).toMatchObject({ status: "paid" });
  }
  expect(declined).not.toHaveLength(0);
  expect(await billing.differences()).toEqual([0]);
});

test("a payment that needs authentication waits for it and then succeeds or fails", async () => {
  await using billing = await testBilling();
  const good = await billing.paidBy("authentication_ok");
  const bad = await billing.paidBy("authentication_fails");
  for (const { paymentId } of [good, bad]) {
    expect(await billing.payment(paymentId)).toMatchObject({ status: "requires_action" });
    await billing.post(`/v1/payments/${paymentId}/confirm`, undefined, 202);
  }
  await billing.service.runJobs();
  expect(await billing.payment(good.paymentId)).toMatchObject({ status: "succeeded" });
  expect(await billing.payment(bad.paymentId)).toMatchObject({
    status: "failed",
    reason: "authentication_failed",
  });
  await billing.post(`/v1/payments/${good.paymentId}/confirm`, undefined, 409);
});

test("a payment whose outcome is late or whose response was lost is charged once and completed", async () => {
  await using billing = await testBilling();
  const late = await billing.paidBy("answers_late");
  expect(await billing.payment(late.paymentId)).toMatchObject({ status: "processing" });
  const lost = await billing.paidBy("no_answer");
  await billing.after(LATER_MS.answer);
  for (const { paymentId } of [late, lost]) {
    expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  }
  const charges = await billing.service.database.query("SELECT status FROM sandbox_charges");
  expect(charges).toEqual([{ status: "succeeded" }, { status: "succeeded" }]);
});

test("a payment that is reversed hours later makes its invoice due again", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId } = await billing.paidBy("late_failure", 700);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  await billing.after(LATER_MS.reversal);
  expect(await billing.payment(paymentId)).toMatchObject({
    status: "reversed",
    reason: "returned_by_bank",
  });
  expect(await billing.get(`/v1/invoices/${invoiceId}`)).toMatchObject({
    status: "open",
    amountDue: 700,
  });
  await billing.post("/v1/refunds", { paymentId, reason: "no" }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("an invoice with a payment in progress cannot be voided", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  await billing.pay(invoiceId);
  await billing.post(`/v1/invoices/${invoiceId}/void`, undefined, 409);
  await billing.service.runJobs();
  expect(await billing.get(`/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});

test("an early fraud warning is recorded on the payment", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("fraud_warning");
  await billing.after(LATER_MS.fraud_warning);
  expect(await billing.payment(paymentId)).toMatchObject({
    fraudWarned: true,
    status: "succeeded",
  });
});

test("card number and security code are in no database row and no log line", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const card = { number: numberOf("ok"), expMonth: 12, expYear: 2090, cvc: "873" };
  const path = `/v1/customers/${customerId}/payment-methods`;
  const headers = { "idempotency-key": "k" };
  const first = await billing.send("POST", path, { body: { card }, headers });
  expect(first.status).toBe(201);
  expect((await billing.send("POST", path, { body: { card }, headers })).text).toBe(first.text);
  for (const wrong of [
    { ...card, number: "4242424242424241" },
    { ...card, number: "4111111111111111" },
    { ...card, expYear: 2020 },
    { ...card, cvc: "8731" },
    { ...card, number: `${card.number}0000` },
  ]) {
    const refused = await billing.send("POST", path, { body: { card: wrong } });
    expect([400, 422]).toContain(refused.status);
    expect(refused.text).not.toContain(wrong.number);
  }
  const tables = await billing.service.database.query(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'billing'",
  );
  for (const { table_name: table } of tables) {
    const rows = await billing.service.database.query(
      `SELECT t::text AS row FROM ${String(table)} t`,
    );
    const text = rows.map((it) => String(it["row"])).join("\n");
    for (const secret of ["4242424242424242", "4111111111111111", "424242424242", '"873"']) {
      // Bytea is shown in hex.
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("hex"));
    }
  }
  const lines = JSON.stringify(billing.service.lines);
  expect(lines).not.toMatch(/4242424242424242|4111111111111111/);
  expect(first.json).toMatchObject({ default: true, card: { brand: "visa", last4: "4242" } });
});

test("payments and payment methods of other accounts are not found", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId, customerId } = await billing.paidBy("ok");
  const as = await billing.service.token({});
  const headers = { "idempotency-key": "k" };
  const responses = [
    await billing.send("GET", `/v1/payments/${paymentId}`, { as }),
    await billing.send("POST", `/v1/invoices/${invoiceId}/pay`, { as, body: {}, headers }),
    await billing.send("POST", `/v1/payments/${paymentId}/confirm`, { as, headers }),
    await billing.send("GET", `/v1/customers/${customerId}/payment-methods`, { as }),
  ];
  expect(responses.map((it) => it.status)).toEqual([404, 404, 404, 404]);
  // A card cannot pay for another customer, even with all permissions.
  const paymentMethodId = await billing.addCard(await billing.customer(), "ok");
  const own = await billing.invoice(customerId);
  await billing.post(`/v1/invoices/${own}/pay`, { paymentMethodId }, 422);
  const priceId = await billing.price();
  await billing.post("/v1/subscriptions", { customerId, priceId, paymentMethodId }, 422);
  expect((await billing.send("GET", "/v1/payments", { as })).json).toMatchObject({ items: [] });
});

test("a payment is completed although its job failed more often than the limit of attempts", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  const paymentId = await billing.pay(invoiceId);
  await billing.service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  expect(await billing.get(`/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});
