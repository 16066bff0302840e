import { expect, test } from "vitest";

import { DAY_MS, type TestBilling, testBilling } from "./testing.ts";

async function subscribed(billing: TestBilling, card: string) {
  const customerId = await billing.customer();
  await billing.addCard(customerId, card);
  const priceId = await billing.price({ unitAmount: 1_500 });
  const { id, latestInvoiceId } = await billing.post("/v1/subscriptions", { customerId, priceId });
  await billing.service.runJobs();
  const [subscriptionId, invoiceId] = [String(id), String(latestInvoiceId)];
  const status = async (): Promise<unknown> =>
    (await billing.subscription(subscriptionId))["status"];
  const invoice = async (): Promise<unknown> =>
    (await billing.get(`/v1/invoices/${invoiceId}`))["status"];
  return { customerId, subscriptionId, invoiceId, status, invoice };
}

test("the invoice of a subscription is collected automatically", async () => {
  await using billing = await testBilling();
  const { invoiceId, status, invoice } = await subscribed(billing, "ok");
  expect(await invoice()).toBe("paid");
  expect(await status()).toBe("active");
  expect(await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).toMatchObject([
    { automatic: true, status: "succeeded" },
  ]);
});

test("a failed collection is retried after 1, 3, 5 and 7 days, then the subscription is canceled", async () => {
  await using billing = await testBilling();
  const { invoiceId, status, invoice } = await subscribed(billing, "insufficient_funds");
  expect(await status()).toBe("past_due");
  const attempts = async (): Promise<number> =>
    (await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).length;
  const seen: number[] = [await attempts()];
  for (let day = 1; day <= 7; day += 1) {
    await billing.after(DAY_MS);
    seen.push(await attempts());
  }
  expect(seen).toEqual([1, 2, 2, 3, 3, 4, 4, 5]);
  expect(await status()).toBe("canceled");
  expect(await invoice()).toBe("uncollectible");
  expect(await billing.list("/v1/dunning")).toMatchObject([
    { invoiceId, status: "exhausted", retries: 4, nextAt: null },
  ]);
  await billing.expectEvents("billing.dunning.started", 1);
  await billing.expectEvents("billing.dunning.retried", 4);
  await billing.expectEvents("billing.dunning.exhausted", 1);
  expect(await billing.differences()).toEqual([0]);
});

test("a payment during dunning reactivates the subscription and ends the retries", async () => {
  await using billing = await testBilling();
  const { customerId, invoiceId, status } = await subscribed(billing, "declined");
  await billing.after(DAY_MS);
  const paymentMethodId = await billing.addCard(customerId, "ok");
  await billing.pay(invoiceId, { paymentMethodId });
  await billing.service.runJobs();
  expect(await status()).toBe("active");
  await billing.expectEvents("billing.dunning.recovered", 1);
  for (let day = 2; day <= 8; day += 1) await billing.after(DAY_MS);
  expect(await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).toHaveLength(3);
});

test("a payment that is not authenticated within a day fails, starts dunning, and another card can pay", async () => {
  await using billing = await testBilling();
  const { customerId, invoiceId, status } = await subscribed(billing, "authentication_ok");
  const paymentMethodId = await billing.addCard(customerId, "ok");
  await billing.post(`/v1/invoices/${invoiceId}/pay`, { paymentMethodId }, 409);
  await billing.after(DAY_MS);
  expect(await billing.list(`/v1/payments?invoiceId=${invoiceId}`)).toMatchObject([
    { status: "failed", reason: "authentication_not_given" },
  ]);
  expect(await status()).toBe("past_due");
  await billing.pay(invoiceId, { paymentMethodId });
  await billing.service.runJobs();
  expect(await status()).toBe("active");
  expect(await billing.differences()).toEqual([0]);
});

test("an unpaid subscription is reactivated when its invoice is voided or credited, or ends if it was canceled", async () => {
  await using billing = await testBilling();
  const body = { retryDays: [2], finally: "unpaid" };
  await billing.put("/v1/dunning-policy", body);
  const [voided, credited, ending] = [
    await subscribed(billing, "declined"),
    await subscribed(billing, "declined"),
    await subscribed(billing, "declined"),
  ];
  const end = { body: { cancelAtPeriodEnd: true }, headers: { "if-match": "*" } };
  await billing.ask("PATCH", `/v1/subscriptions/${ending.subscriptionId}`, end);
  await billing.after(2 * DAY_MS);
  for (const { status } of [voided, credited, ending]) expect(await status()).toBe("unpaid");
  await billing.post(`/v1/invoices/${voided.invoiceId}/void`, undefined, 200);
  await billing.post("/v1/credit-notes", { invoiceId: credited.invoiceId, reason: "Sorry" });
  await billing.service.runJobs();
  for (const { status } of [voided, credited]) expect(await status()).toBe("active");
  await billing.after(40 * DAY_MS);
  const paymentMethodId = await billing.addCard(ending.customerId, "ok");
  await billing.post(`/v1/invoices/${ending.invoiceId}/pay`, { paymentMethodId }, 202);
  await billing.service.runJobs();
  expect(await ending.status()).toBe("canceled");
  const filter = `subscriptionId=${ending.subscriptionId}`;
  expect(await billing.list(`/v1/invoices?${filter}`)).toHaveLength(1);
});

test("writing off an invoice ends its dunning as exhausted and reactivates its subscription", async () => {
  await using billing = await testBilling();
  const [early, late] = [
    await subscribed(billing, "declined"),
    await subscribed(billing, "declined"),
  ];
  await billing.post(`/v1/invoices/${early.invoiceId}/write-off`, undefined, 200);
  await billing.service.runJobs();
  const policy = { retryDays: [], finally: "unpaid" };
  await billing.put("/v1/dunning-policy", policy);
  await billing.after(DAY_MS);
  expect([await early.status(), await late.status()]).toEqual(["active", "unpaid"]);
  await billing.post(`/v1/invoices/${late.invoiceId}/write-off`, undefined, 200);
  await billing.service.runJobs();
  expect(await late.status()).toBe("active");
  expect(await billing.list("/v1/dunning")).toMatchObject([
    { status: "exhausted", nextAt: null },
    { status: "exhausted", nextAt: null },
  ]);
  expect(await billing.list(`/v1/payments?invoiceId=${early.invoiceId}`)).toHaveLength(1);
  await billing.expectEvents("billing.dunning.exhausted", 2);
  expect((await billing.events()).map((it) => it.type)).not.toContain("billing.dunning.recovered");
});

test("without a card dunning starts on the due date, and failed manual payments do not postpone it", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const priceId = await billing.price();
  const started = await billing.post("/v1/subscriptions", { customerId, priceId });
  const invoiceId = String(started["latestInvoiceId"]);
  const status = async (): Promise<unknown> =>
    (await billing.subscription(started["id"]))["status"];
  await billing.service.runJobs();
  await billing.after(7 * DAY_MS - 1);
  expect(await status()).toBe("active");
  await billing.after(1);
  expect(await status()).toBe("past_due");
  const paymentMethodId = await billing.addCard(customerId, "authentication_ok");
  for (let day = 0; day < 9; day += 1) {
    const headers = { "idempotency-key": `try-${day}` };
    const body = { paymentMethodId };
    await billing.send("POST", `/v1/invoices/${invoiceId}/pay`, { body, headers });
    await billing.after(DAY_MS);
  }
  expect(await status()).toBe("canceled");
});

test("a retry charges what is left after applying credit", async () => {
  await using billing = await testBilling();
  const { customerId, invoiceId } = await billing.paidBy("ok", 400);
  await billing.post("/v1/credit-notes", { invoiceId, reason: "Sorry" });
  const wrong = await billing.invoice(customerId, 500);
  const declined = await billing.addCard(customerId, "declined");
  const priceId = await billing.price({ unitAmount: 1_500 });
  const body = { customerId, priceId, paymentMethodId: declined };
  const { latestInvoiceId } = await billing.post("/v1/subscriptions", body);
  await billing.service.runJobs();
  await billing.post(`/v1/invoices/${wrong}/void`, undefined, 200);
  await billing.after(DAY_MS);
  const payments = await billing.list(`/v1/payments?invoiceId=${String(latestInvoiceId)}`);
  expect(payments.map((it) => it["amount"])).toEqual([1_100, 1_500]);
  expect(await billing.differences()).toEqual([0]);
});

test("the dunning policy determines the retries and the outcome", async () => {
  await using billing = await testBilling();
  const policy = { retryDays: [2], finally: "unpaid" };
  const put = (headers: Record<string, string>, body: unknown = policy) =>
    billing.send("PUT", "/v1/dunning-policy", { body, headers });
  expect((await put({})).status).toBe(428);
  expect((await put({ "if-match": '"7"' })).status).toBe(412);
  const unordered = { ...policy, retryDays: [3, 1] };
  expect((await put({ "if-match": '"1"' }, unordered)).status).toBe(400);
  expect((await put({ "if-match": '"1"' })).status).toBe(200);
  const { status, invoice, invoiceId, customerId } = await subscribed(billing, "declined");
  await billing.after(2 * DAY_MS);
  expect(await status()).toBe("unpaid");
  expect(await invoice()).toBe("open");
  const paymentMethodId = await billing.addCard(customerId, "ok");
  await billing.pay(invoiceId, { paymentMethodId });
  await billing.service.runJobs();
  expect(await status()).toBe("active");
  expect(await billing.differences()).toEqual([0]);
});
