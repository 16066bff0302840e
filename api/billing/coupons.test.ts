import { expect, test } from "vitest";

import { testBilling } from "./testing.ts";

test(
  "of 200 concurrent redemptions of a coupon by two instances exactly its limit of 50 succeed",
  { timeout: 120_000 },
  async () => {
    await using billing = await testBilling();
    await using second = await testBilling({ databaseUrl: billing.service.databaseUrl });
    const priceId = await billing.price();
    const coupon = { code: "FIFTY", basisPointsOff: 5_000, duration: "once", maxRedemptions: 50 };
    const { id } = await billing.coupon(coupon);
    const customers = await Promise.all(Array.from({ length: 200 }, () => billing.customer()));
    const redeem = (customerId: string, index: number): Promise<number> => {
      const body = { customerId, priceId, couponCode: "FIFTY" };
      return (index % 2 ? billing : second).statusOf("POST", "/v1/subscriptions", { body });
    };
    const statuses = await Promise.all(customers.map(redeem));
    expect(statuses.filter((it) => it === 201)).toHaveLength(50);
    expect(statuses.filter((it) => it === 409)).toHaveLength(150);
    expect(await billing.get(`/v1/coupons/${String(id)}`)).toMatchObject({
      timesRedeemed: 50,
    });
    expect(await billing.list("/v1/invoices?limit=100")).toHaveLength(50);
    expect(await billing.differences()).toEqual([0]);
  },
);

test("a customer redeems a coupon once and a refused redemption does not count", async () => {
  await using billing = await testBilling();
  const priceId = await billing.price();
  const customerId = await billing.customer();
  const coupon = { code: "TWICE", amountOff: 300, currency: "EUR", duration: "forever" };
  const { id } = await billing.coupon({ ...coupon, maxRedemptions: 2 });
  const body = { customerId, priceId, couponCode: "twice" };
  const sends = Array.from({ length: 4 }, () =>
    billing.send("POST", "/v1/subscriptions", { body }),
  );
  const statuses = (await Promise.all(sends)).map((it) => it.status);
  expect(statuses.filter((it) => it === 201)).toHaveLength(1);
  expect(statuses.filter((it) => it === 409)).toHaveLength(3);
  expect(await billing.get(`/v1/coupons/${String(id)}`)).toMatchObject({ timesRedeemed: 1 });
  const next = await billing.customer();
  await billing.subscribe({ ...body, customerId: next });
});

test("a coupon that is expired, inactive, in another currency or below its minimum is refused with the reason", async () => {
  await using billing = await testBilling();
  const [priceId, customerId] = [await billing.price(), await billing.customer()];
  const now = billing.service.clock.now;
  const expiresAt = new Date(now + 1_000).toISOString();
  const base = { basisPointsOff: 1_000, duration: "once" };
  const add = (it: object) => billing.coupon({ ...base, ...it });
  await add({ code: "BRIEF", expiresAt });
  await add({ code: "YEN", currency: "JPY" });
  await add({ code: "LARGE", currency: "EUR", minimumAmount: 1_001 });
  const stopped = await add({ code: "STOPPED" });
  await billing.ask("PATCH", `/v1/coupons/${String(stopped["id"])}`, {
    body: { active: false },
    headers: { "if-match": '"1"' },
  });
  billing.service.clock.now = now + 1_000;
  const redeem = (couponCode: string) =>
    billing.send("POST", "/v1/subscriptions", { body: { customerId, priceId, couponCode } });
  expect((await redeem("BRIEF")).status).toBe(409);
  expect((await redeem("STOPPED")).status).toBe(409);
  expect((await redeem("NOBODYS")).status).toBe(409);
  const yen = await redeem("YEN");
  expect(yen.status).toBe(422);
  expect(yen.json).toMatchObject({ errors: [{ path: "body.couponCode" }] });
  expect((await redeem("LARGE")).status).toBe(422);
  const wrong = await billing.send("POST", "/v1/coupons", {
    body: { code: "NOTHING", duration: "once" },
  });
  expect(wrong.json).toMatchObject({ errors: [{ path: "body.basisPointsOff" }] });
});

test("a repeating coupon discounts its number of months and a permanent one every period", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-01-31T00:00:00Z");
  const priceId = await billing.price();
  const repeating = {
    code: "TWO",
    basisPointsOff: 5_000,
    duration: "repeating",
    durationMonths: 2,
  };
  await billing.coupon(repeating);
  await billing.coupon({ code: "EVER", amountOff: 100, currency: "EUR", duration: "forever" });
  const subscribe = async (couponCode: string): Promise<string> => {
    const customerId = await billing.customer();
    await billing.addCard(customerId, "ok");
    const body = { customerId, priceId, couponCode };
    return String((await billing.subscribe(body))["id"]);
  };
  const [two, ever] = [await subscribe("TWO"), await subscribe("EVER")];
  await billing.runUntil("2027-04-30T00:00:00Z");
  const discounts = async (id: string): Promise<number[]> => {
    const invoices = await billing.list(`/v1/invoices?subscriptionId=${id}`);
    return invoices.map((it) => Number(it["discount"]));
  };
  expect((await discounts(two)).toSorted((a, b) => a - b)).toEqual([0, 0, 500, 500]);
  expect(await discounts(ever)).toEqual([100, 100, 100, 100]);
  const events = await billing.events();
  const changes = events.filter((it) => it.type === "billing.subscription.changed");
  expect(changes.map((it) => it.data["mrr"])).toEqual([1_000]);
});
