import { expect, test } from "vitest";

import { ATTEMPTS_MAX } from "#platform/jobs/jobs.ts";

import { LATER_MS, TEST_CARDS } from "./domain/sandbox.ts";
import { numberOf, testBilling } from "./testing.ts";

test("a payment is charged after the answer, and pays its invoice and the books", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId } = await billing.paidBy("ok", 4_200);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded", amount: 4_200 });
  expect(await billing.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
  await billing.expectEvents("billing.payment.succeeded", 1);
  await billing.expectEvents("billing.invoice.paid", 1);
  expect(await billing.differences()).toEqual([0]);
});

test("of two payments of an invoice at the same time one begins and the other is refused", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  const pay = (key: string) =>
    billing.send("POST", `/v1/invoices/${invoiceId}/pay`, {
      body: {},
      headers: { "idempotency-key": key },
    });
  const answers = await Promise.all(["a", "b", "a"].map(pay));
  expect(answers.filter((it) => it.status === 202)).not.toHaveLength(3);
  expect(new Set(answers.map((it) => it.status))).toEqual(new Set([202, 409]));
  await billing.service.runJobs();
  expect((await pay("c")).status).toBe(409);
  expect(await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).toHaveLength(1);
});

test("a card that is declined says why, and another card can pay the invoice", async () => {
  await using billing = await testBilling();
  const declined = TEST_CARDS.filter((it) => it.behaviour.charge === "fails");
  for (const { name, behaviour } of declined) {
    const { paymentId, invoiceId, customerId } = await billing.paidBy(name);
    const failed = await billing.payment(paymentId);
    expect(failed, name).toMatchObject({ status: "failed", reason: behaviour.reason });
    const paymentMethodId = await billing.addCard(customerId, "ok_amex");
    await billing.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
    await billing.service.runJobs();
    const invoice = await billing.ask("GET", `/v1/invoices/${invoiceId}`);
    expect(invoice, name).toMatchObject({ status: "paid" });
  }
  expect(declined).not.toHaveLength(0);
  expect(await billing.differences()).toEqual([0]);
});

test("a payment that needs authentication waits for it, and then succeeds or fails", async () => {
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

test("an outcome that comes late, or whose answer was lost, is learned, and charged once", async () => {
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

test("a payment that fails hours after it succeeded makes the invoice due again", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId } = await billing.paidBy("late_failure", 700);
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  await billing.after(LATER_MS.reversal);
  expect(await billing.payment(paymentId)).toMatchObject({
    status: "reversed",
    reason: "returned_by_bank",
  });
  expect(await billing.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({
    status: "open",
    amountDue: 700,
  });
  await billing.post("/v1/refunds", { paymentId, reason: "no" }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("an invoice that is being paid cannot be voided", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  await billing.pay(invoiceId);
  const { version } = await billing.ask("GET", `/v1/invoices/${invoiceId}`);
  const headers = { "if-match": `"${String(version)}"` };
  await billing.ask("POST", `/v1/invoices/${invoiceId}/void`, { headers, status: 409 });
  await billing.service.runJobs();
  expect(await billing.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});

test("an early fraud warning is told and shown", async () => {
  await using billing = await testBilling();
  const { paymentId } = await billing.paidBy("fraud_warning");
  await billing.after(LATER_MS.fraud_warning);
  expect(await billing.payment(paymentId)).toMatchObject({
    fraudWarned: true,
    status: "succeeded",
  });
});

test("a card's number and code are nowhere in the database and in no line of the log", async () => {
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
      // Bytea is hex in this text: the number in ASCII would be there as hex digits.
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("hex"));
    }
  }
  const lines = JSON.stringify(billing.service.lines);
  expect(lines).not.toMatch(/4242424242424242|4111111111111111/);
  expect(first.json).toMatchObject({ default: true, card: { brand: "visa", last4: "4242" } });
});

test("what is somebody else's is not there", async () => {
  await using billing = await testBilling();
  const { paymentId, invoiceId, customerId } = await billing.paidBy("ok");
  const as = await billing.service.token({});
  const headers = { "idempotency-key": "k" };
  const asked = [
    await billing.send("GET", `/v1/payments/${paymentId}`, { as }),
    await billing.send("POST", `/v1/invoices/${invoiceId}/pay`, { as, body: {}, headers }),
    await billing.send("POST", `/v1/payments/${paymentId}/confirm`, { as, headers }),
    await billing.send("GET", `/v1/customers/${customerId}/payment-methods`, { as }),
  ];
  expect(asked.map((it) => it.status)).toEqual([404, 404, 404, 404]);
  // Not even by those who may do it may one customer's card pay for another.
  const paymentMethodId = await billing.addCard(await billing.customer(), "ok");
  const own = await billing.invoice(customerId);
  await billing.post(`/v1/invoices/${own}/pay`, { paymentMethodId }, 422);
  const priceId = await billing.price();
  await billing.post("/v1/subscriptions", { customerId, priceId, paymentMethodId }, 422);
  expect((await billing.send("GET", "/v1/payments", { as })).json).toMatchObject({ items: [] });
});

test("a payment whose process died at every try comes to its end", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const invoiceId = await billing.invoice(customerId);
  const paymentId = await billing.pay(invoiceId);
  await billing.service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  await billing.service.runJobs();
  expect(await billing.payment(paymentId)).toMatchObject({ status: "succeeded" });
  expect(await billing.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});
