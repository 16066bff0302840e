import { expect, test } from "vitest";

import { renewSubscription } from "./commands/renew-subscription.ts";
import { applyDunningOutcome, recoverSubscription } from "./commands/subscription-status.ts";
import type { BillingDeps } from "./deps.ts";
import { testBilling } from "./testing.ts";

const at = (text: string): number => Date.parse(text);

test("a subscription with a coupon is invoiced with tax and discount, and the books balance", async () => {
  await using billing = await testBilling();
  const rate = { name: "VAT", basisPoints: 1_900, inclusive: false };
  await billing.ask("PUT", "/v1/tax-rates/DE", { body: rate, headers: { "if-match": "*" } });
  const customerId = await billing.customer();
  const priceId = await billing.price({ unitAmount: 1_999 });
  const coupon = { code: "welcome", basisPointsOff: 2_500, duration: "once" };
  await billing.ask("POST", "/v1/coupons", { body: coupon });
  const body = { customerId, priceId, quantity: 3, couponCode: "Welcome" };
  const started = await billing.ask("POST", "/v1/subscriptions", { body });
  expect(started).toMatchObject({ status: "active", mrr: 5_997 });
  const invoice = await billing.ask("GET", `/v1/invoices/${String(started["latestInvoiceId"])}`);
  // 5997 less 25 % (1499.25) is 4498; 19 % of it is 854.62.
  expect(invoice).toMatchObject({
    status: "open",
    subtotal: 5_997,
    discount: 1_499,
    tax: 855,
    total: 5_353,
    amountDue: 5_353,
    number: expect.stringMatching(/^INV-\d{4}-000001$/),
    lines: [
      {
        unitAmount: 1_999,
        quantity: 3,
        total: 5_353,
        periodStart: started["periodStart"],
        periodEnd: started["periodEnd"],
      },
    ],
  });
  expect(await billing.differences()).toEqual([0]);
  const types = (await billing.events()).map((it) => it.type);
  expect(types).toEqual(["billing.invoice.finalized", "billing.subscription.created"]);
});

test("a subscription of the 31st renews on the last day of each month, once for each period", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = at("2027-01-31T10:00:00Z");
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const priceId = await billing.price();
  const body = { customerId, priceId };
  const { id } = await billing.ask("POST", "/v1/subscriptions", { body });
  const ends: unknown[] = [];
  for (const now of ["2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z", "2027-04-30T10:00:00Z"]) {
    billing.service.clock.now = at(now);
    await Promise.all([billing.service.runJobs(), billing.service.runJobs()]);
    ends.push((await billing.ask("GET", `/v1/subscriptions/${String(id)}`))["periodEnd"]);
  }
  expect(ends).toEqual([
    "2027-03-31T10:00:00.000Z",
    "2027-04-30T10:00:00.000Z",
    "2027-05-31T10:00:00.000Z",
  ]);
  const list = await billing.ask("GET", `/v1/invoices?subscriptionId=${String(id)}`);
  expect(list["items"]).toHaveLength(4);
});

test("a renewal that was slept through is made up for, period by period", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = at("2028-02-29T00:00:00Z");
  const customerId = await billing.customer();
  const priceId = await billing.price({ interval: "year" });
  const { id } = await billing.ask("POST", "/v1/subscriptions", { body: { customerId, priceId } });
  billing.service.clock.now = at("2032-03-01T00:00:00Z");
  await billing.service.runJobs();
  const now = await billing.ask("GET", `/v1/subscriptions/${String(id)}`);
  expect(now).toMatchObject({ period: 5, periodStart: "2032-02-29T00:00:00.000Z" });
});

/** As much of the kit as verbs take. */
const verbs = (billing: Awaited<ReturnType<typeof testBilling>>) => {
  const { database, clock } = billing.service;
  const add = () => Promise.resolve();
  const kit = { publish: add, jobs: { add } } as unknown as BillingDeps["kit"];
  return <Result>(verb: (context: Parameters<typeof renewSubscription>[0]) => Promise<Result>) =>
    database.transaction((tx) => verb({ kit, tx, nowMs: clock.now }));
};

test("however many workers renew a period, and however often, it is billed once", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const { id } = await billing.ask("POST", "/v1/subscriptions", { body: { customerId, priceId } });
  const subscriptionId = String(id);
  billing.service.clock.now += 32 * 86_400_000;
  const renew = () =>
    verbs(billing)((context) => renewSubscription(context, { subscriptionId, period: 1 }));
  await Promise.all(Array.from({ length: 8 }, renew));
  await renew();
  const list = await billing.ask("GET", `/v1/invoices?subscriptionId=${subscriptionId}`);
  expect(list["items"]).toHaveLength(2);
  const now = await billing.ask("GET", `/v1/subscriptions/${subscriptionId}`);
  expect(now).toMatchObject({ period: 2 });
});

test("one that is unpaid is billed no more, and begins anew when it is paid", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = at("2027-01-31T10:00:00Z");
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const { id, latestInvoiceId } = await billing.ask("POST", "/v1/subscriptions", {
    body: { customerId, priceId },
  });
  const subscriptionId = String(id);
  const read = () => billing.ask("GET", `/v1/subscriptions/${subscriptionId}`);
  const context = verbs(billing);
  await context((it) => applyDunningOutcome(it, subscriptionId, "unpaid"));
  expect(await read()).toMatchObject({ status: "unpaid", mrr: 0 });
  billing.service.clock.now = at("2027-05-15T12:00:00Z");
  await context((it) => renewSubscription(it, { subscriptionId, period: 1 }));
  await context((it) => recoverSubscription(it, subscriptionId));
  expect(await read()).toMatchObject({ status: "unpaid", period: 1 });
  const refused = await billing.send("PATCH", `/v1/subscriptions/${subscriptionId}`, {
    body: { quantity: 2 },
    headers: { "if-match": "*" },
  });
  expect(refused.status).toBe(409);
  await billing.ask("POST", `/v1/invoices/${String(latestInvoiceId)}/void`, { status: 200 });
  await context((it) => recoverSubscription(it, subscriptionId));
  expect(await read()).toMatchObject({
    status: "active",
    mrr: 1_000,
    period: 2,
    periodStart: "2027-05-15T12:00:00.000Z",
    periodEnd: "2027-06-15T12:00:00.000Z",
  });
});

test("a renewal that comes before its time, as by a clock set back, is kept for later", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const body = { customerId, priceId };
  const { id, periodEnd } = await billing.ask("POST", "/v1/subscriptions", { body });
  const subscriptionId = String(id);
  billing.service.clock.now = at(String(periodEnd)) - 1;
  const early = verbs(billing)((it) => renewSubscription(it, { subscriptionId, period: 1 }));
  await expect(early).rejects.toThrow("the period has not ended");
});
