import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { DAY_MS, type TestBilling, testBilling } from "./testing.ts";

const change = (billing: TestBilling, { id }: Record<string, unknown>, body: object) =>
  billing.patch(`/v1/subscriptions/${String(id)}`, body);

test("an account gets one trial of a plan, even after changing the plan or in another currency", async () => {
  await using billing = await testBilling();
  const accountId = newId("acc");
  const planId = await billing.plan();
  const priceId = await billing.price({ planId, trialDays: 14 });
  const [other, yen] = [
    await billing.price(),
    await billing.price({ planId, trialDays: 14, currency: "JPY" }),
  ];
  const customerId = await billing.customer({ accountId });
  const trial = await billing.subscribe({ customerId, priceId });
  expect(trial).toMatchObject({ status: "trialing" });
  await change(billing, trial, { priceId: other });
  expect(await billing.subscribe({ customerId, priceId })).toMatchObject({ status: "active" });
  const inYen = await billing.customer({ accountId, currency: "JPY" });
  const second = await billing.subscribe({ customerId: inYen, priceId: yen });
  expect(second).toMatchObject({ status: "active" });
});

test("of concurrent subscriptions of one account to a plan only one gets the trial", async () => {
  await using billing = await testBilling();
  await using second = await testBilling({ databaseUrl: billing.service.databaseUrl });
  const accountId = newId("acc");
  const planId = await billing.plan();
  const started = await Promise.all(
    ["EUR", "USD", "JPY", "CHF"].map(async (currency, index) => {
      const customerId = await billing.customer({ accountId, currency });
      const priceId = await billing.price({ planId, trialDays: 30, currency });
      return (index % 2 ? billing : second).subscribe({ customerId, priceId });
    }),
  );
  expect(started.filter((it) => it["status"] === "trialing")).toHaveLength(1);
});

test("an account redeems a coupon once, also through its other customers", async () => {
  await using billing = await testBilling();
  const accountId = newId("acc");
  const coupon = { code: "HELLO", basisPointsOff: 5_000, duration: "forever", maxRedemptions: 10 };
  const { id } = await billing.coupon(coupon);
  const statuses = await Promise.all(
    ["EUR", "USD", "JPY"].map(async (currency) => {
      const customerId = await billing.customer({ accountId, currency });
      const priceId = await billing.price({ currency });
      const body = { customerId, priceId, couponCode: "HELLO" };
      return (await billing.send("POST", "/v1/subscriptions", { body })).status;
    }),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  expect(await billing.get(`/v1/coupons/${String(id)}`)).toMatchObject({ timesRedeemed: 1 });
});

test("a coupon with a minimum amount gives no discount below it", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const coupon = { code: "LARGE", amountOff: 900, currency: "EUR", duration: "forever" };
  await billing.coupon({ ...coupon, minimumAmount: 10_000 });
  const body = { customerId, priceId, quantity: 10, couponCode: "LARGE" };
  const started = await billing.subscribe(body);
  expect(started).toMatchObject({ mrr: 9_100 });
  const small = await change(billing, started, { quantity: 1 });
  expect(small).toMatchObject({ mrr: 1_000 });
  expect(await billing.latestInvoice(small)).toMatchObject({ subtotal: -9_000, discount: -900 });
  expect(await change(billing, started, { quantity: 11 })).toMatchObject({ mrr: 10_100 });
  expect(await billing.differences()).toEqual([0]);
});

test("a coupon for one period does not discount later periods of another interval", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await billing.plan();
  const month = await billing.price({ planId, trialDays: 0 });
  const year = await billing.price({ planId, unitAmount: 10_000, interval: "year", trialDays: 10 });
  const coupon = { code: "ONCE", basisPointsOff: 5_000, duration: "once" };
  await billing.coupon(coupon);
  const begin = async (priceId: string) =>
    billing.subscribe({ customerId: await billing.customer(), priceId, couponCode: "ONCE" });

  const monthly = await begin(month);
  billing.service.clock.now += 15 * DAY_MS;
  const yearly = await change(billing, monthly, { priceId: year });
  expect(await billing.latestInvoice(yearly)).toMatchObject({ subtotal: 9_500, discount: -250 });

  // After changing a yearly trial to monthly only the first month is discounted.
  const trial = await begin(year);
  await change(billing, trial, { priceId: month });
  await billing.after(10 * DAY_MS);
  const first = await billing.subscription(trial["id"]);
  expect(await billing.latestInvoice(first)).toMatchObject({ subtotal: 1_000, discount: 500 });
  await billing.after(31 * DAY_MS);
  const second = await billing.subscription(trial["id"]);
  expect(await billing.latestInvoice(second)).toMatchObject({ subtotal: 1_000, discount: 0 });
});

test("changing the interval credits the tax that was charged and charges the current rate", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await billing.plan();
  const [priceId, year] = [
    await billing.price({ planId }),
    await billing.price({ planId, unitAmount: 10_000, interval: "year" }),
  ];
  const started = await billing.subscribe({ customerId: await billing.customer(), priceId });
  const rate = { name: "VAT", basisPoints: 2_000, inclusive: false };
  await billing.put("/v1/tax-rates/DE", rate);
  const changed = await change(billing, started, { priceId: year });
  expect(await billing.latestInvoice(changed)).toMatchObject({ subtotal: 9_000, tax: 2_000 });
  expect(await billing.differences()).toEqual([0]);
});
