import { expect, test } from "vitest";

import { DAY_MS, type TestBilling, testBilling } from "./testing.ts";

/** A customer who has paid 12.00 EUR for a year of 360 days and more, from 1 January 2027. */
async function paidYear(billing: TestBilling) {
  billing.service.clock.now = Date.parse("2027-01-01T00:00:00Z");
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const planId = await billing.plan();
  const priceId = await billing.price({ planId, unitAmount: 1_200, interval: "year" });
  const { id, latestInvoiceId } = await billing.post("/v1/subscriptions", { customerId, priceId });
  await billing.service.runJobs();
  const invoiceId = String(latestInvoiceId);
  const [payment] = await billing.list(`/v1/payments?invoiceId=${invoiceId}`);
  const subscriptionId = String(id);
  const credit = () => billing.customerCredit(customerId);
  const cancel = () =>
    billing.post(`/v1/subscriptions/${subscriptionId}/cancel`, { at: "now" }, 200);
  const dispute = async (amount?: number): Promise<string> => {
    await billing.post(`/sandbox/payments/${paymentId}/dispute`, { amount }, 202);
    await billing.service.runJobs();
    const [found] = await billing.list(`/v1/disputes?paymentId=${paymentId}`);
    return String(found?.["id"]);
  };
  const paymentId = String(payment?.["id"]);
  const ids = { customerId, planId, subscriptionId, invoiceId, paymentId };
  return { ...ids, credit, cancel, dispute };
}

const change = (billing: TestBilling, id: string, body: object) =>
  billing.patch(`/v1/subscriptions/${id}`, body);

test("a disputed payment gives no credit on cancellation or change", async () => {
  await using billing = await testBilling();
  const [ended, changed, lowered] = [
    await paidYear(billing),
    await paidYear(billing),
    await paidYear(billing),
  ];
  for (const it of [ended, changed, lowered]) await it.dispute();
  await ended.cancel();
  const { planId } = changed;
  const priceId = await billing.price({ planId, unitAmount: 100, interval: "month" });
  await change(billing, changed.subscriptionId, { priceId });
  const cheap = await billing.price({ planId, unitAmount: 12, interval: "year" });
  await change(billing, lowered.subscriptionId, { priceId: cheap });
  await change(billing, lowered.subscriptionId, { quantity: 2 });
  await lowered.cancel();
  for (const it of [ended, changed, lowered]) expect(await it.credit()).toBe(0);
  expect(await billing.differences()).toEqual([0]);
});

test("a refunded, credited or voided amount is not credited again on cancellation", async () => {
  await using billing = await testBilling();
  const [refunded, credited, half] = [
    await paidYear(billing),
    await paidYear(billing),
    await paidYear(billing),
  ];
  await billing.post("/v1/refunds", { paymentId: refunded.paymentId, reason: "Sorry" });
  const note = { invoiceId: credited.invoiceId, reason: "Sorry" };
  await billing.post("/v1/credit-notes", note);
  await billing.post("/v1/refunds", { paymentId: half.paymentId, amount: 700, reason: "Sorry" });
  for (const it of [refunded, credited, half]) await it.cancel();
  expect(await refunded.credit()).toBe(0);
  expect(await credited.credit()).toBe(1_200);
  expect(await half.credit()).toBe(500);
  const customerId = await billing.customer();
  const priceId = await billing.price({ unitAmount: 900 });
  const open = await billing.post("/v1/subscriptions", { customerId, priceId });
  await billing.post(`/v1/invoices/${String(open["latestInvoiceId"])}/void`, undefined, 200);
  await billing.post(`/v1/subscriptions/${String(open["id"])}/cancel`, { at: "now" }, 200);
  expect(await billing.customerCredit(customerId)).toBe(0);
  expect(await billing.differences()).toEqual([0]);
});

test("an amount credited on cancellation cannot be refunded or credited again", async () => {
  await using billing = await testBilling();
  const year = await paidYear(billing);
  billing.service.clock.now += 73 * DAY_MS;
  await year.cancel();
  expect(await year.credit()).toBe(960);
  const refund = { paymentId: year.paymentId, reason: "Sorry" };
  await billing.post("/v1/refunds", { ...refund, amount: 241 }, 409);
  const note = { invoiceId: year.invoiceId, reason: "Sorry" };
  await billing.post("/v1/credit-notes", { ...note, amount: 241 }, 409);
  await billing.post("/v1/refunds", { ...refund, amount: 240 });
  await billing.post("/v1/credit-notes", { ...note, amount: 1 }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("a dispute of a payment that became credit takes the credit and returns it when won", async () => {
  await using billing = await testBilling();
  const year = await paidYear(billing);
  await year.cancel();
  expect(await year.credit()).toBe(1_200);
  const disputeId = await year.dispute();
  expect(await year.credit()).toBe(0);
  expect(await billing.differences()).toEqual([0]);
  await billing.post(`/sandbox/disputes/${disputeId}/close`, { outcome: "won" }, 202);
  await billing.service.runJobs();
  expect(await year.credit()).toBe(1_200);
  await billing.post("/v1/refunds", { paymentId: year.paymentId, reason: "Sorry" }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("changing the interval carries the value of the old period into the new one", async () => {
  await using billing = await testBilling();
  const { subscriptionId, planId, credit, cancel } = await paidYear(billing);
  const month = await billing.price({ planId, unitAmount: 100, interval: "month" });
  const year = await billing.price({ planId, unitAmount: 2_400, interval: "year" });
  await change(billing, subscriptionId, { priceId: month });
  expect(await credit()).toBe(1_100);
  await change(billing, subscriptionId, { priceId: year });
  await billing.service.runJobs();
  expect(await credit()).toBe(0);
  await cancel();
  expect(await credit()).toBe(2_400);
  expect(await billing.differences()).toEqual([0]);
});

test("value carried into another interval is returned once: by a dispute, a refund, a credit note or cancellation", async () => {
  await using billing = await testBilling();
  const toMonth = async () => {
    const year = await paidYear(billing);
    const month = { planId: year.planId, unitAmount: 100, interval: "month" };
    await change(billing, year.subscriptionId, { priceId: await billing.price(month) });
    expect(await year.credit()).toBe(1_100);
    return year;
  };
  const [disputed, refunded, credited, ended] = [
    await toMonth(),
    await toMonth(),
    await toMonth(),
    await toMonth(),
  ];
  await disputed.dispute();
  await billing.post("/v1/refunds", { paymentId: refunded.paymentId, reason: "Sorry" });
  await billing.post("/v1/credit-notes", { invoiceId: credited.invoiceId, reason: "Sorry" });
  for (const it of [disputed, refunded, credited, ended]) await it.cancel();
  expect(await disputed.credit()).toBe(0);
  expect(await refunded.credit()).toBe(1_100);
  expect(await credited.credit()).toBe(1_200);
  expect(await ended.credit()).toBe(1_200);
  await billing.post("/v1/refunds", { paymentId: ended.paymentId, reason: "Sorry" }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("a dispute of an amount that became credit leaves the rest to be credited on cancellation", async () => {
  await using billing = await testBilling();
  const year = await paidYear(billing);
  const cheap = { planId: year.planId, unitAmount: 500, interval: "year" };
  await change(billing, year.subscriptionId, { priceId: await billing.price(cheap) });
  expect(await year.credit()).toBe(700);
  await year.dispute(700);
  expect(await year.credit()).toBe(0);
  await year.cancel();
  expect(await year.credit()).toBe(500);
  await year.dispute();
  expect(await year.credit()).toBe(0);
  expect(await billing.differences()).toEqual([0]);
});

test("an amount credited by a change is returned once, however the invoice was paid", async () => {
  await using billing = await testBilling();
  const planId = await billing.plan();
  const [dear, cheap] = [
    await billing.price({ planId, unitAmount: 1_000 }),
    await billing.price({ planId, unitAmount: 600 }),
  ];
  const subscribed = async (customerId: string) => {
    const it = await billing.post("/v1/subscriptions", { customerId, priceId: dear });
    return { id: String(it["id"]), invoiceId: String(it["latestInvoiceId"]) };
  };
  const credit = billing.customerCredit;
  const cancel = (id: string) => billing.post(`/v1/subscriptions/${id}/cancel`, { at: "now" }, 200);
  const note = { reason: "Sorry" };

  const [unpaid, byCredit, later] = [
    await billing.customer(),
    await billing.customer(),
    await billing.customer(),
  ];
  const lowered = await subscribed(unpaid);
  await change(billing, lowered.id, { priceId: cheap });
  await billing.post(`/v1/invoices/${lowered.invoiceId}/void`, undefined, 409);
  await billing.post(
    "/v1/credit-notes",
    { ...note, invoiceId: lowered.invoiceId, amount: 601 },
    409,
  );
  await billing.post("/v1/credit-notes", { ...note, invoiceId: lowered.invoiceId, amount: 600 });
  expect(await credit(unpaid)).toBe(0);

  await billing.addCard(byCredit, "ok");
  const invoiceId = await billing.invoice(byCredit, 1_000);
  await billing.pay(invoiceId);
  await billing.service.runJobs();
  await billing.post("/v1/credit-notes", { ...note, invoiceId });
  const paidByCredit = await subscribed(byCredit);
  expect(await credit(byCredit)).toBe(0);
  await cancel(paidByCredit.id);
  await billing.post("/v1/credit-notes", { ...note, invoiceId: paidByCredit.invoiceId }, 409);
  expect(await credit(byCredit)).toBe(1_000);

  const credited = await subscribed(later);
  await billing.post("/v1/credit-notes", { ...note, invoiceId: credited.invoiceId, amount: 400 });
  await billing.addCard(later, "ok");
  const paymentId = await billing.pay(credited.invoiceId);
  await billing.service.runJobs();
  await cancel(credited.id);
  expect(await credit(later)).toBe(600);
  await billing.post("/v1/refunds", { ...note, paymentId }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("credit may exceed the maximum of an invoice and pays invoices", async () => {
  await using billing = await testBilling();
  const most = 1_000_000_000_000;
  const paid = await billing.paidBy("ok", most);
  const { customerId } = paid;
  const second = await billing.invoice(customerId, most);
  await billing.pay(second);
  await billing.service.runJobs();
  for (const invoiceId of [paid.invoiceId, second]) {
    await billing.post("/v1/credit-notes", { invoiceId, reason: "Sorry" });
  }
  const path = `/v1/customers/${customerId}`;
  expect(await billing.get(path)).toMatchObject({ credit: 2 * most });
  await billing.invoice(customerId, 1);
  expect(await billing.get(path)).toMatchObject({ credit: 2 * most - 1 });
});

test("credit is applied to a reversed payment before dunning and write-off", async () => {
  await using billing = await testBilling();
  const policy = { retryDays: [], finally: "cancel" };
  const headers = { "if-match": "*" };
  await billing.ask("PUT", "/v1/dunning-policy", { body: policy, headers });
  const year = await paidYear(billing);
  await year.cancel();
  expect(await year.credit()).toBe(1_200);
  await billing.post(`/sandbox/payments/${year.paymentId}/reverse`, undefined, 202);
  await billing.service.runJobs();
  expect(await year.credit()).toBe(0);
  const invoice = await billing.get(`/v1/invoices/${year.invoiceId}`);
  expect(invoice).toMatchObject({ status: "paid", amountDue: 0 });
  await billing.expectReconciled();
});
