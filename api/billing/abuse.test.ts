import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { type TestBooks, testBooks } from "./testing-books.ts";

const DAY_MS = 86_400_000;

async function subscribe(books: TestBooks, body: object): Promise<Record<string, unknown>> {
  return books.ask("POST", "/v1/subscriptions", { body });
}

const change = (books: TestBooks, id: unknown, body: object) =>
  books.ask("PATCH", `/v1/subscriptions/${String(id)}`, { body, headers: { "if-match": "*" } });

const latest = (books: TestBooks, { latestInvoiceId }: Record<string, unknown>) =>
  books.ask("GET", `/v1/invoices/${String(latestInvoiceId)}`);

test("no second trial of a plan is had by leaving it for another in the first, nor in another currency", async () => {
  await using books = await testBooks();
  const accountId = newId("acc");
  const planId = await books.plan();
  const priceId = await books.price({ planId, trialDays: 14 });
  const [other, yen] = [
    await books.price(),
    await books.price({ planId, trialDays: 14, currency: "JPY" }),
  ];
  const customerId = await books.customer({ accountId });
  const trial = await subscribe(books, { customerId, priceId });
  expect(trial).toMatchObject({ status: "trialing" });
  await change(books, trial["id"], { priceId: other });
  expect(await subscribe(books, { customerId, priceId })).toMatchObject({ status: "active" });
  const inYen = await books.customer({ accountId, currency: "JPY" });
  expect(await subscribe(books, { customerId: inYen, priceId: yen })).toMatchObject({
    status: "active",
  });
});

test("of two customers of one account that begin a plan at the same time one gets the trial", async () => {
  await using books = await testBooks();
  await using second = await testBooks({ databaseUrl: books.service.databaseUrl });
  const accountId = newId("acc");
  const planId = await books.plan();
  const started = await Promise.all(
    ["EUR", "USD", "JPY", "CHF"].map(async (currency, index) => {
      const customerId = await books.customer({ accountId, currency });
      const priceId = await books.price({ planId, trialDays: 30, currency });
      return subscribe(index % 2 ? books : second, { customerId, priceId });
    }),
  );
  expect(started.filter((it) => it["status"] === "trialing")).toHaveLength(1);
});

test("an account uses a coupon once, also as a second customer", async () => {
  await using books = await testBooks();
  const accountId = newId("acc");
  const coupon = { code: "HELLO", basisPointsOff: 5_000, duration: "forever", maxRedemptions: 10 };
  const { id } = await books.ask("POST", "/v1/coupons", { body: coupon });
  const statuses = await Promise.all(
    ["EUR", "USD", "JPY"].map(async (currency) => {
      const customerId = await books.customer({ accountId, currency });
      const priceId = await books.price({ currency });
      const body = { customerId, priceId, couponCode: "HELLO" };
      return (await books.send("POST", "/v1/subscriptions", { body })).status;
    }),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  expect(await books.ask("GET", `/v1/coupons/${String(id)}`)).toMatchObject({ timesRedeemed: 1 });
});

test("a coupon for large orders takes nothing off once the order is small", async () => {
  await using books = await testBooks();
  const [customerId, priceId] = [await books.customer(), await books.price()];
  const coupon = { code: "LARGE", amountOff: 900, currency: "EUR", duration: "forever" };
  await books.ask("POST", "/v1/coupons", { body: { ...coupon, minimumAmount: 10_000 } });
  const body = { customerId, priceId, quantity: 10, couponCode: "LARGE" };
  const started = await subscribe(books, body);
  expect(started).toMatchObject({ mrr: 9_100 });
  const small = await change(books, started["id"], { quantity: 1 });
  expect(small).toMatchObject({ mrr: 1_000 });
  expect(await latest(books, small)).toMatchObject({ subtotal: -9_000, discount: -900 });
  expect(await change(books, started["id"], { quantity: 11 })).toMatchObject({ mrr: 10_100 });
  expect(await books.differences()).toEqual([0]);
});

test("a coupon for one period takes nothing off the periods of another interval that is changed to", async () => {
  await using books = await testBooks();
  books.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await books.plan();
  const month = await books.price({ planId, trialDays: 0 });
  const year = await books.price({ planId, unitAmount: 10_000, interval: "year", trialDays: 10 });
  const coupon = { code: "ONCE", basisPointsOff: 5_000, duration: "once" };
  await books.ask("POST", "/v1/coupons", { body: coupon });
  const begin = async (priceId: string) =>
    subscribe(books, { customerId: await books.customer(), priceId, couponCode: "ONCE" });

  const monthly = await begin(month);
  books.service.clock.now += 15 * DAY_MS;
  const yearly = await change(books, monthly["id"], { priceId: year });
  expect(await latest(books, yearly)).toMatchObject({ subtotal: 9_500, discount: -250 });

  // In a trial of the year: the first month is discounted, and not twelve.
  const trial = await begin(year);
  await change(books, trial["id"], { priceId: month });
  books.service.clock.now += 10 * DAY_MS;
  await books.service.runJobs();
  const first = await books.ask("GET", `/v1/subscriptions/${String(trial["id"])}`);
  expect(await latest(books, first)).toMatchObject({ subtotal: 1_000, discount: 500 });
  books.service.clock.now += 31 * DAY_MS;
  await books.service.runJobs();
  const second = await books.ask("GET", `/v1/subscriptions/${String(trial["id"])}`);
  expect(await latest(books, second)).toMatchObject({ subtotal: 1_000, discount: 0 });
});

test("another interval is taxed as of today, and gives back the tax that was charged", async () => {
  await using books = await testBooks();
  books.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const planId = await books.plan();
  const [priceId, year] = [
    await books.price({ planId }),
    await books.price({ planId, unitAmount: 10_000, interval: "year" }),
  ];
  const started = await subscribe(books, { customerId: await books.customer(), priceId });
  const rate = { name: "VAT", basisPoints: 2_000, inclusive: false };
  await books.ask("PUT", "/v1/tax-rates/DE", { body: rate, headers: { "if-match": "*" } });
  const changed = await change(books, started["id"], { priceId: year });
  expect(await latest(books, changed)).toMatchObject({ subtotal: 9_000, tax: 2_000 });
  expect(await books.differences()).toEqual([0]);
});
