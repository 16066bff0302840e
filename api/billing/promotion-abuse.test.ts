import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { DAY_MS, type TestBilling, testBilling } from "./testing.ts";

async function subscribe(billing: TestBilling, body: object): Promise<Record<string, unknown>> {
  return billing.ask("POST", "/v1/subscriptions", { body });
}

const change = (billing: TestBilling, id: unknown, body: object) =>
  billing.ask("PATCH", `/v1/subscriptions/${String(id)}`, { body, headers: { "if-match": "*" } });

const latest = (billing: TestBilling, { latestInvoiceId }: Record<string, unknown>) =>
  billing.ask("GET", `/v1/invoices/${String(latestInvoiceId)}`);

test("no second trial of a plan is had by leaving it for another in the first, nor in another currency", async () => {
  await using billing = await testBilling();
  const accountId = newId("acc");
  const planId = await billing.plan();
  const priceId = await billing.price({ planId, trialDays: 14 });
  const [other, yen] = [
    await billing.price(),
    await billing.price({ planId, trialDays: 14, currency: "JPY" }),
  ];
  const customerId = await billing.customer({ accountId });
  const trial = await subscribe(billing, { customerId, priceId });
  expect(trial).toMatchObject({ status: "trialing" });
  await change(billing, trial["id"], { priceId: other });
  expect(await subscribe(billing, { customerId, priceId })).toMatchObject({ status: "active" });
  const inYen = await billing.customer({ accountId, currency: "JPY" });
  expect(await subscribe(billing, { customerId: inYen, priceId: yen })).toMatchObject({
    status: "active",
  });
});

test("of two customers of one account that begin a plan at the same time one gets the trial", async () => {
  await using billing = await testBilling();
  await using second = await testBilling({ databaseUrl: billing.service.databaseUrl });
  const accountId = newId("acc");
  const planId = await billing.plan();
  const started = await Promise.all(
    ["EUR", "USD", "JPY", "CHF"].map(async (currency, index) => {
      const customerId = await billing.customer({ accountId, currency });
      const priceId = await billing.price({ planId, trialDays: 30, currency });
      return subscribe(index % 2 ? billing : second, { customerId, priceId });
    }),
  );
  expect(started.filter((it) => it["status"] === "trialing")).toHaveLength(1);
});

test("an account uses a coupon once, also as a second customer", async () => {
  await using billing = await testBilling();
  const accountId = newId("acc");
  const coupon = { code: "HELLO", basisPointsOff: 5_000, duration: "forever", maxRedemptions: 10 };
  const { id } = await billing.ask("POST", "/v1/coupons", { body: coupon });
  const statuses = await Promise.all(
    ["EUR", "USD", "JPY"].map(async (currency) => {
      const customerId = await billing.customer({ accountId, currency });
      const priceId = await billing.price({ currency });
      const body = { customerId, priceId, couponCode: "HELLO" };
      return (await billing.send("POST", "/v1/subscriptions", { body })).status;
    }),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  expect(await billing.ask("GET", `/v1/coupons/${String(id)}`)).toMatchObject({ timesRedeemed: 1 });
});

test("a coupon for large orders takes nothing off once the order is small", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const coupon = { code: "LARGE", amountOff: 900, currency: "EUR", duration: "forever" };
  await billing.ask("POST", "/v1/coupons", { body: { ...coupon, minimumAmount: 10_000 } });
  const body = { customerId, priceId, quantity: 10, couponCode: "LARGE" };
  const started = await subscribe(billing, body);
  expect(started).toMatchObject({ mrr: 9_100 });
  const small = await change(billing, started["id"], { quantity: 1 });
  expect(small).toMatchObject({ mrr: 1_000 });
  expect(await latest(billing, small)).toMatchObject({ subtotal: -9_000, discount: -900 });
  expect(await change(billing, started["id"], { quantity: 11 })).toMatchObject({ mrr: 10_100 });
  expect(await billing.differences()).toEqual([0]);
});

test("a coupon for one period takes nothing off the periods of another interval that is changed to", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await billing.plan();
  const month = await billing.price({ planId, trialDays: 0 });
  const year = await billing.price({ planId, unitAmount: 10_000, interval: "year", trialDays: 10 });
  const coupon = { code: "ONCE", basisPointsOff: 5_000, duration: "once" };
  await billing.ask("POST", "/v1/coupons", { body: coupon });
  const begin = async (priceId: string) =>
    subscribe(billing, { customerId: await billing.customer(), priceId, couponCode: "ONCE" });

  const monthly = await begin(month);
  billing.service.clock.now += 15 * DAY_MS;
  const yearly = await change(billing, monthly["id"], { priceId: year });
  expect(await latest(billing, yearly)).toMatchObject({ subtotal: 9_500, discount: -250 });

  // In a trial of the year: the first month is discounted, and not twelve.
  const trial = await begin(year);
  await change(billing, trial["id"], { priceId: month });
  billing.service.clock.now += 10 * DAY_MS;
  await billing.service.runJobs();
  const first = await billing.ask("GET", `/v1/subscriptions/${String(trial["id"])}`);
  expect(await latest(billing, first)).toMatchObject({ subtotal: 1_000, discount: 500 });
  billing.service.clock.now += 31 * DAY_MS;
  await billing.service.runJobs();
  const second = await billing.ask("GET", `/v1/subscriptions/${String(trial["id"])}`);
  expect(await latest(billing, second)).toMatchObject({ subtotal: 1_000, discount: 0 });
});

test("another interval is taxed as of today, and gives back the tax that was charged", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await billing.plan();
  const [priceId, year] = [
    await billing.price({ planId }),
    await billing.price({ planId, unitAmount: 10_000, interval: "year" }),
  ];
  const started = await subscribe(billing, { customerId: await billing.customer(), priceId });
  const rate = { name: "VAT", basisPoints: 2_000, inclusive: false };
  await billing.ask("PUT", "/v1/tax-rates/DE", { body: rate, headers: { "if-match": "*" } });
  const changed = await change(billing, started["id"], { priceId: year });
  expect(await latest(billing, changed)).toMatchObject({ subtotal: 9_000, tax: 2_000 });
  expect(await billing.differences()).toEqual([0]);
});
