import { expect, test } from "vitest";

import { testBooks } from "./testing-books.ts";
import { testMoney } from "./testing-money.ts";

test(
  "of 200 redemptions of a coupon at the same time, by two instances, exactly as many as its limit of 50 are made",
  { timeout: 120_000 },
  async () => {
    await using books = await testBooks();
    await using second = await testBooks({ databaseUrl: books.service.databaseUrl });
    const priceId = await books.price();
    const coupon = { code: "FIFTY", basisPointsOff: 5_000, duration: "once", maxRedemptions: 50 };
    const { id } = await books.ask("POST", "/v1/coupons", { body: coupon });
    const customers = await Promise.all(Array.from({ length: 200 }, () => books.customer()));
    const redeem = async (customerId: string, index: number): Promise<number> => {
      const { send } = index % 2 ? books : second;
      const body = { customerId, priceId, couponCode: "FIFTY" };
      for (;;) {
        const { status } = await send("POST", "/v1/subscriptions", { body });
        // A busy machine may have no connection for it in time: nothing was done, and it asks again.
        if (status !== 503) return status;
      }
    };
    const statuses = await Promise.all(customers.map(redeem));
    expect(statuses.filter((it) => it === 201)).toHaveLength(50);
    expect(statuses.filter((it) => it === 409)).toHaveLength(150);
    expect(await books.ask("GET", `/v1/coupons/${String(id)}`)).toMatchObject({
      timesRedeemed: 50,
    });
    const list = await books.ask("GET", "/v1/invoices?limit=100");
    expect(list["items"]).toHaveLength(50);
    expect(await books.differences()).toEqual([0]);
  },
);

test("a customer uses a coupon once, and a refused redemption costs none", async () => {
  await using books = await testBooks();
  const priceId = await books.price();
  const customerId = await books.customer();
  const coupon = { code: "TWICE", amountOff: 300, currency: "EUR", duration: "forever" };
  const { id } = await books.ask("POST", "/v1/coupons", { body: { ...coupon, maxRedemptions: 2 } });
  const body = { customerId, priceId, couponCode: "twice" };
  const sends = Array.from({ length: 4 }, () => books.send("POST", "/v1/subscriptions", { body }));
  const statuses = (await Promise.all(sends)).map((it) => it.status);
  expect(statuses.filter((it) => it === 201)).toHaveLength(1);
  expect(statuses.filter((it) => it === 409)).toHaveLength(3);
  expect(await books.ask("GET", `/v1/coupons/${String(id)}`)).toMatchObject({ timesRedeemed: 1 });
  const next = await books.customer();
  await books.ask("POST", "/v1/subscriptions", { body: { ...body, customerId: next } });
});

test("a coupon that is expired, stopped, of another currency or for more is refused with its reason", async () => {
  await using books = await testBooks();
  const [priceId, customerId] = [await books.price(), await books.customer()];
  const now = books.service.clock.now;
  const expiresAt = new Date(now + 1_000).toISOString();
  const base = { basisPointsOff: 1_000, duration: "once" };
  const add = (it: object) => books.ask("POST", "/v1/coupons", { body: { ...base, ...it } });
  await add({ code: "BRIEF", expiresAt });
  await add({ code: "YEN", currency: "JPY" });
  await add({ code: "LARGE", currency: "EUR", minimumAmount: 1_001 });
  const stopped = await add({ code: "STOPPED" });
  await books.ask("PATCH", `/v1/coupons/${String(stopped["id"])}`, {
    body: { active: false },
    headers: { "if-match": '"1"' },
  });
  books.service.clock.now = now + 1_000;
  const redeem = (couponCode: string) =>
    books.send("POST", "/v1/subscriptions", { body: { customerId, priceId, couponCode } });
  expect((await redeem("BRIEF")).status).toBe(409);
  expect((await redeem("STOPPED")).status).toBe(409);
  expect((await redeem("NOBODYS")).status).toBe(409);
  const yen = await redeem("YEN");
  expect(yen.status).toBe(422);
  expect(yen.json).toMatchObject({ errors: [{ path: "body.couponCode" }] });
  expect((await redeem("LARGE")).status).toBe(422);
  const wrong = await books.send("POST", "/v1/coupons", {
    body: { code: "NOTHING", duration: "once" },
  });
  expect(wrong.json).toMatchObject({ errors: [{ path: "body.basisPointsOff" }] });
});

test("a coupon that repeats for two months takes off two periods, one for ever all of them", async () => {
  await using books = await testMoney();
  books.service.clock.now = Date.parse("2027-01-31T00:00:00Z");
  const priceId = await books.price();
  const repeating = {
    code: "TWO",
    basisPointsOff: 5_000,
    duration: "repeating",
    durationMonths: 2,
  };
  await books.ask("POST", "/v1/coupons", { body: repeating });
  await books.ask("POST", "/v1/coupons", {
    body: { code: "EVER", amountOff: 100, currency: "EUR", duration: "forever" },
  });
  const subscribe = async (couponCode: string): Promise<string> => {
    const customerId = await books.customer();
    await books.addCard(customerId, "ok");
    const body = { customerId, priceId, couponCode };
    return String((await books.ask("POST", "/v1/subscriptions", { body }))["id"]);
  };
  const [two, ever] = [await subscribe("TWO"), await subscribe("EVER")];
  books.service.clock.now = Date.parse("2027-04-30T00:00:00Z");
  await books.service.runJobs();
  const discounts = async (id: string): Promise<number[]> => {
    const { items } = await books.ask("GET", `/v1/invoices?subscriptionId=${id}`);
    return Array.isArray(items) ? items.map((it) => Number(it["discount"])) : [];
  };
  expect((await discounts(two)).toSorted((a, b) => a - b)).toEqual([0, 0, 500, 500]);
  expect(await discounts(ever)).toEqual([100, 100, 100, 100]);
  const events = await books.events();
  const changes = events.filter((it) => it.type === "billing.subscription.changed");
  expect(changes.map((it) => it.data["mrr"])).toEqual([1_000]);
});
