import { expect, test } from "vitest";

import { type TestMoney, testMoney } from "./testing-money.ts";

const DAY_MS = 86_400_000;

async function subscribed(money: TestMoney, card: string) {
  const customerId = await money.customer();
  await money.addCard(customerId, card);
  const priceId = await money.price({ unitAmount: 1_500 });
  const { id, latestInvoiceId } = await money.post("/v1/subscriptions", { customerId, priceId });
  await money.service.runJobs();
  const [subscriptionId, invoiceId] = [String(id), String(latestInvoiceId)];
  const status = async (): Promise<unknown> =>
    (await money.ask("GET", `/v1/subscriptions/${subscriptionId}`))["status"];
  const invoice = async (): Promise<unknown> =>
    (await money.ask("GET", `/v1/invoices/${invoiceId}`))["status"];
  return { customerId, subscriptionId, invoiceId, status, invoice };
}

test("the invoice of a subscription is collected by itself", async () => {
  await using money = await testMoney();
  const { invoiceId, status, invoice } = await subscribed(money, "ok");
  expect(await invoice()).toBe("paid");
  expect(await status()).toBe("active");
  expect(await money.list(`/v1/payments?invoiceId=${invoiceId}`)).toMatchObject([
    { automatic: true, status: "succeeded" },
  ]);
});

test("a failed collection is tried again after 1, 3, 5 and 7 days, then the subscription is canceled", async () => {
  await using money = await testMoney();
  const { invoiceId, status, invoice } = await subscribed(money, "insufficient_funds");
  expect(await status()).toBe("past_due");
  const tries = async (): Promise<number> =>
    (await money.list(`/v1/payments?invoiceId=${invoiceId}`)).length;
  const seen: number[] = [await tries()];
  for (let day = 1; day <= 7; day += 1) {
    await money.after(DAY_MS);
    seen.push(await tries());
  }
  expect(seen).toEqual([1, 2, 2, 3, 3, 4, 4, 5]);
  expect(await status()).toBe("canceled");
  expect(await invoice()).toBe("uncollectible");
  expect(await money.list("/v1/dunning")).toMatchObject([
    { invoiceId, status: "exhausted", retries: 4, nextAt: null },
  ]);
  await money.told("billing.dunning.started", 1);
  await money.told("billing.dunning.retried", 4);
  await money.told("billing.dunning.exhausted", 1);
  expect(await money.differences()).toEqual([0]);
});

test("whoever pays in between is active again, and is not charged again", async () => {
  await using money = await testMoney();
  const { customerId, invoiceId, status } = await subscribed(money, "declined");
  await money.after(DAY_MS);
  const paymentMethodId = await money.addCard(customerId, "ok");
  await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
  await money.service.runJobs();
  expect(await status()).toBe("active");
  await money.told("billing.dunning.recovered", 1);
  for (let day = 2; day <= 8; day += 1) await money.after(DAY_MS);
  expect(await money.list(`/v1/payments?invoiceId=${invoiceId}`)).toHaveLength(3);
});

test("whoever is never authenticated has not paid: after a day it is dunned, and another card can pay", async () => {
  await using money = await testMoney();
  const { customerId, invoiceId, status } = await subscribed(money, "authentication_ok");
  const paymentMethodId = await money.addCard(customerId, "ok");
  await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 409);
  await money.after(DAY_MS);
  expect(await money.list(`/v1/payments?invoiceId=${invoiceId}`)).toMatchObject([
    { status: "failed", reason: "authentication_not_given" },
  ]);
  expect(await status()).toBe("past_due");
  await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
  await money.service.runJobs();
  expect(await status()).toBe("active");
  expect(await money.differences()).toEqual([0]);
});

test("an unpaid subscription whose invoice is voided or credited is active again, and one to end at its end ends", async () => {
  await using money = await testMoney();
  const body = { retryDays: [2], finally: "unpaid" };
  await money.ask("PUT", "/v1/dunning-policy", { body, headers: { "if-match": "*" } });
  const [voided, credited, ending] = [
    await subscribed(money, "declined"),
    await subscribed(money, "declined"),
    await subscribed(money, "declined"),
  ];
  const end = { body: { cancelAtPeriodEnd: true }, headers: { "if-match": "*" } };
  await money.ask("PATCH", `/v1/subscriptions/${ending.subscriptionId}`, end);
  await money.after(2 * DAY_MS);
  for (const { status } of [voided, credited, ending]) expect(await status()).toBe("unpaid");
  await money.post(`/v1/invoices/${voided.invoiceId}/void`, undefined, 200);
  await money.post("/v1/credit-notes", { invoiceId: credited.invoiceId, reason: "Sorry" });
  await money.service.runJobs();
  for (const { status } of [voided, credited]) expect(await status()).toBe("active");
  await money.after(40 * DAY_MS);
  const paymentMethodId = await money.addCard(ending.customerId, "ok");
  await money.post(`/v1/invoices/${ending.invoiceId}/pay`, { paymentMethodId }, 202);
  await money.service.runJobs();
  expect(await ending.status()).toBe("canceled");
  const filter = `subscriptionId=${ending.subscriptionId}`;
  expect(await money.list(`/v1/invoices?${filter}`)).toHaveLength(1);
});

test("an invoice that is written off is tried no more and was not recovered, and its subscription goes on", async () => {
  await using money = await testMoney();
  const [early, late] = [await subscribed(money, "declined"), await subscribed(money, "declined")];
  await money.post(`/v1/invoices/${early.invoiceId}/write-off`, undefined, 200);
  await money.service.runJobs();
  const policy = { retryDays: [], finally: "unpaid" };
  await money.ask("PUT", "/v1/dunning-policy", { body: policy, headers: { "if-match": "*" } });
  await money.after(DAY_MS);
  expect([await early.status(), await late.status()]).toEqual(["active", "unpaid"]);
  await money.post(`/v1/invoices/${late.invoiceId}/write-off`, undefined, 200);
  await money.service.runJobs();
  expect(await late.status()).toBe("active");
  expect(await money.list("/v1/dunning")).toMatchObject([
    { status: "exhausted", nextAt: null },
    { status: "exhausted", nextAt: null },
  ]);
  expect(await money.list(`/v1/payments?invoiceId=${early.invoiceId}`)).toHaveLength(1);
  await money.told("billing.dunning.exhausted", 2);
  expect((await money.events()).map((it) => it.type)).not.toContain("billing.dunning.recovered");
});

test("whoever has no card has until the invoice is due; then it is dunned, whatever they try meanwhile", async () => {
  await using money = await testMoney();
  const customerId = await money.customer();
  const priceId = await money.price();
  const started = await money.post("/v1/subscriptions", { customerId, priceId });
  const invoiceId = String(started["latestInvoiceId"]);
  const status = async (): Promise<unknown> =>
    (await money.ask("GET", `/v1/subscriptions/${String(started["id"])}`))["status"];
  await money.service.runJobs();
  await money.after(7 * DAY_MS - 1);
  expect(await status()).toBe("active");
  await money.after(1);
  expect(await status()).toBe("past_due");
  const paymentMethodId = await money.addCard(customerId, "authentication_ok");
  for (let day = 0; day < 9; day += 1) {
    const headers = { "idempotency-key": `try-${day}` };
    const body = { paymentMethodId };
    await money.send("POST", `/v1/invoices/${invoiceId}/pay`, { body, headers });
    await money.after(DAY_MS);
  }
  expect(await status()).toBe("canceled");
});

test("a retry charges what credit that came back meanwhile does not pay", async () => {
  await using money = await testMoney();
  const { customerId, invoiceId } = await money.paidBy("ok", 400);
  await money.post("/v1/credit-notes", { invoiceId, reason: "Sorry" });
  const wrong = await money.invoice(customerId, 500);
  const declined = await money.addCard(customerId, "declined");
  const priceId = await money.price({ unitAmount: 1_500 });
  const body = { customerId, priceId, paymentMethodId: declined };
  const { latestInvoiceId } = await money.post("/v1/subscriptions", body);
  await money.service.runJobs();
  await money.post(`/v1/invoices/${wrong}/void`, undefined, 200);
  await money.after(DAY_MS);
  const payments = await money.list(`/v1/payments?invoiceId=${String(latestInvoiceId)}`);
  expect(payments.map((it) => it["amount"])).toEqual([1_100, 1_500]);
  expect(await money.differences()).toEqual([0]);
});

test("the policy says when to try again and what comes in the end", async () => {
  await using money = await testMoney();
  const policy = { retryDays: [2], finally: "unpaid" };
  const put = (headers: Record<string, string>, body: unknown = policy) =>
    money.send("PUT", "/v1/dunning-policy", { body, headers });
  expect((await put({})).status).toBe(428);
  expect((await put({ "if-match": '"7"' })).status).toBe(412);
  const unordered = { ...policy, retryDays: [3, 1] };
  expect((await put({ "if-match": '"1"' }, unordered)).status).toBe(400);
  expect((await put({ "if-match": '"1"' })).status).toBe(200);
  const { status, invoice, invoiceId, customerId } = await subscribed(money, "declined");
  await money.after(2 * DAY_MS);
  expect(await status()).toBe("unpaid");
  expect(await invoice()).toBe("open");
  const paymentMethodId = await money.addCard(customerId, "ok");
  await money.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 202);
  await money.service.runJobs();
  expect(await status()).toBe("active");
  expect(await money.differences()).toEqual([0]);
});
