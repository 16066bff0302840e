import { expect, test } from "vitest";

import { ATTEMPTS_MAX } from "#platform/jobs/jobs.ts";

import { LATER_MS, TEST_CARDS } from "./domain/sandbox.ts";
import { numberOf, testMoney } from "./testing-money.ts";

test("a payment is charged after the answer, and pays its invoice and the books", async () => {
  await using money = await testMoney();
  const { paymentId, invoiceId } = await money.paidBy("ok", 4_200);
  expect(await money.payment(paymentId)).toMatchObject({ status: "succeeded", amount: 4_200 });
  expect(await money.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
  await money.told("billing.payment.succeeded", 1);
  await money.told("billing.invoice.paid", 1);
  expect(await money.differences()).toEqual([0]);
});

test("of two payments of an invoice at the same time one begins and the other is refused", async () => {
  await using money = await testMoney();
  const customerId = await money.customer();
  await money.addCard(customerId, "ok");
  const invoiceId = await money.invoice(customerId);
  const pay = (key: string) =>
    money.send("POST", `/v1/invoices/${invoiceId}/pay`, {
      body: {},
      headers: { "idempotency-key": key },
    });
  const answers = await Promise.all(["a", "b", "a"].map(pay));
  expect(answers.filter((it) => it.status === 202)).not.toHaveLength(3);
  expect(new Set(answers.map((it) => it.status))).toEqual(new Set([202, 409]));
  await money.service.runJobs();
  expect((await pay("c")).status).toBe(409);
  expect(await money.list(`/v1/payments?invoiceId=${invoiceId}`)).toHaveLength(1);
});

test("a card that is declined says why, and another card can pay the invoice", async () => {
  await using money = await testMoney();
  const declined = TEST_CARDS.filter((it) => it.behaviour.charge === "fails");
  for (const { name, behaviour } of declined) {
    const { paymentId, invoiceId, customerId } = await money.paidBy(name);
    const failed = await money.payment(paymentId);
    expect(failed, name).toMatchObject({ status: "failed", reason: behaviour.reason });
    const paymentMethodId = await money.addCard(customerId, "ok_amex");
    await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
    await money.service.runJobs();
    const invoice = await money.ask("GET", `/v1/invoices/${invoiceId}`);
    expect(invoice, name).toMatchObject({ status: "paid" });
  }
  expect(declined).not.toHaveLength(0);
  expect(await money.differences()).toEqual([0]);
});

test("a payment that needs authentication waits for it, and then succeeds or fails", async () => {
  await using money = await testMoney();
  const good = await money.paidBy("authentication_ok");
  const bad = await money.paidBy("authentication_fails");
  for (const { paymentId } of [good, bad]) {
    expect(await money.payment(paymentId)).toMatchObject({ status: "requires_action" });
    await money.post(`/v1/payments/${paymentId}/confirm`, undefined, 202);
  }
  await money.service.runJobs();
  expect(await money.payment(good.paymentId)).toMatchObject({ status: "succeeded" });
  expect(await money.payment(bad.paymentId)).toMatchObject({
    status: "failed",
    reason: "authentication_failed",
  });
  await money.post(`/v1/payments/${good.paymentId}/confirm`, undefined, 409);
});

test("an outcome that comes late, or whose answer was lost, is learned, and charged once", async () => {
  await using money = await testMoney();
  const late = await money.paidBy("answers_late");
  expect(await money.payment(late.paymentId)).toMatchObject({ status: "processing" });
  const lost = await money.paidBy("no_answer");
  await money.after(LATER_MS.answer);
  for (const { paymentId } of [late, lost]) {
    expect(await money.payment(paymentId)).toMatchObject({ status: "succeeded" });
  }
  const charges = await money.service.database.query("SELECT status FROM sandbox_charges");
  expect(charges).toEqual([{ status: "succeeded" }, { status: "succeeded" }]);
});

test("a payment that fails hours after it succeeded makes the invoice due again", async () => {
  await using money = await testMoney();
  const { paymentId, invoiceId } = await money.paidBy("late_failure", 700);
  expect(await money.payment(paymentId)).toMatchObject({ status: "succeeded" });
  await money.after(LATER_MS.reversal);
  expect(await money.payment(paymentId)).toMatchObject({
    status: "reversed",
    reason: "returned_by_bank",
  });
  expect(await money.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({
    status: "open",
    amountDue: 700,
  });
  await money.post("/v1/refunds", { paymentId, reason: "no" }, 409);
  expect(await money.differences()).toEqual([0]);
});

test("an invoice that is being paid cannot be voided", async () => {
  await using money = await testMoney();
  const customerId = await money.customer();
  await money.addCard(customerId, "ok");
  const invoiceId = await money.invoice(customerId);
  await money.pay(invoiceId);
  const { version } = await money.ask("GET", `/v1/invoices/${invoiceId}`);
  const headers = { "if-match": `"${String(version)}"` };
  await money.ask("POST", `/v1/invoices/${invoiceId}/void`, { headers, status: 409 });
  await money.service.runJobs();
  expect(await money.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});

test("an early fraud warning is told and shown", async () => {
  await using money = await testMoney();
  const { paymentId } = await money.paidBy("fraud_warning");
  await money.after(LATER_MS.fraud_warning);
  expect(await money.payment(paymentId)).toMatchObject({ fraudWarned: true, status: "succeeded" });
});

test("a card's number and code are nowhere in the database and in no line of the log", async () => {
  await using money = await testMoney();
  const customerId = await money.customer();
  const card = { number: numberOf("ok"), expMonth: 12, expYear: 2090, cvc: "873" };
  const path = `/v1/customers/${customerId}/payment-methods`;
  const headers = { "idempotency-key": "k" };
  const first = await money.send("POST", path, { body: { card }, headers });
  expect(first.status).toBe(201);
  expect((await money.send("POST", path, { body: { card }, headers })).text).toBe(first.text);
  for (const wrong of [
    { ...card, number: "4242424242424241" },
    { ...card, number: "4111111111111111" },
    { ...card, expYear: 2020 },
    { ...card, cvc: "8731" },
    { ...card, number: `${card.number}0000` },
  ]) {
    const refused = await money.send("POST", path, { body: { card: wrong } });
    expect([400, 422]).toContain(refused.status);
    expect(refused.text).not.toContain(wrong.number);
  }
  const tables = await money.service.database.query(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'billing'",
  );
  for (const { table_name: table } of tables) {
    const rows = await money.service.database.query(
      `SELECT t::text AS row FROM ${String(table)} t`,
    );
    const text = rows.map((it) => String(it["row"])).join("\n");
    for (const secret of ["4242424242424242", "4111111111111111", "424242424242", '"873"']) {
      // Bytea is hex in this text: the number in ASCII would be there as hex digits.
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("hex"));
    }
  }
  const lines = JSON.stringify(money.service.lines);
  expect(lines).not.toMatch(/4242424242424242|4111111111111111/);
  expect(first.json).toMatchObject({ default: true, card: { brand: "visa", last4: "4242" } });
});

test("what is somebody else's is not there", async () => {
  await using money = await testMoney();
  const { paymentId, invoiceId, customerId } = await money.paidBy("ok");
  const as = await money.service.token({});
  const headers = { "idempotency-key": "k" };
  const asked = [
    await money.send("GET", `/v1/payments/${paymentId}`, { as }),
    await money.send("POST", `/v1/invoices/${invoiceId}/pay`, { as, body: {}, headers }),
    await money.send("POST", `/v1/payments/${paymentId}/confirm`, { as, headers }),
    await money.send("GET", `/v1/customers/${customerId}/payment-methods`, { as }),
  ];
  expect(asked.map((it) => it.status)).toEqual([404, 404, 404, 404]);
  // Not even by those who may do it may one customer's card pay for another.
  const paymentMethodId = await money.addCard(await money.customer(), "ok");
  const own = await money.invoice(customerId);
  await money.post(`/v1/invoices/${own}/pay`, { paymentMethodId }, 422);
  const priceId = await money.price();
  await money.post("/v1/subscriptions", { customerId, priceId, paymentMethodId }, 422);
  expect((await money.send("GET", "/v1/payments", { as })).json).toMatchObject({ items: [] });
});

test("a payment whose process died at every try comes to its end", async () => {
  await using money = await testMoney();
  const customerId = await money.customer();
  await money.addCard(customerId, "ok");
  const invoiceId = await money.invoice(customerId);
  const paymentId = await money.pay(invoiceId);
  await money.service.database.query("UPDATE jobs SET attempts = $1", [ATTEMPTS_MAX]);
  await money.service.runJobs();
  expect(await money.payment(paymentId)).toMatchObject({ status: "succeeded" });
  expect(await money.ask("GET", `/v1/invoices/${invoiceId}`)).toMatchObject({ status: "paid" });
});
