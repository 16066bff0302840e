import { expect, test } from "vitest";

import { renewSubscription } from "./commands/renew-subscription.ts";
import { applyDunningOutcome, recoverSubscription } from "./commands/subscription-status.ts";
import { DAY_MS, runCommand, testBilling } from "./testing.ts";

test("a subscription with a coupon is invoiced with tax and discount, and the ledger balances", async () => {
  await using billing = await testBilling();
  const rate = { name: "VAT", basisPoints: 1_900, inclusive: false };
  await billing.put("/v1/tax-rates/DE", rate);
  const customerId = await billing.customer();
  const priceId = await billing.price({ unitAmount: 1_999 });
  const coupon = { code: "welcome", basisPointsOff: 2_500, duration: "once" };
  await billing.coupon(coupon);
  const body = { customerId, priceId, quantity: 3, couponCode: "Welcome" };
  const started = await billing.subscribe(body);
  expect(started).toMatchObject({ status: "active", mrr: 5_997 });
  const invoice = await billing.latestInvoice(started);
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

test("a subscription of the 31st renews once per period on the last day of each month", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-01-31T10:00:00Z");
  const customerId = await billing.customer();
  await billing.addCard(customerId, "ok");
  const priceId = await billing.price();
  const body = { customerId, priceId };
  const { id } = await billing.subscribe(body);
  const ends: unknown[] = [];
  for (const now of ["2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z", "2027-04-30T10:00:00Z"]) {
    billing.service.clock.now = Date.parse(now);
    await Promise.all([billing.service.runJobs(), billing.service.runJobs()]);
    ends.push((await billing.subscription(id))["periodEnd"]);
  }
  expect(ends).toEqual([
    "2027-03-31T10:00:00.000Z",
    "2027-04-30T10:00:00.000Z",
    "2027-05-31T10:00:00.000Z",
  ]);
  expect(await billing.list(`/v1/invoices?subscriptionId=${String(id)}`)).toHaveLength(4);
});

test("missed renewals are caught up period by period", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2028-02-29T00:00:00Z");
  const customerId = await billing.customer();
  const priceId = await billing.price({ interval: "year" });
  const { id } = await billing.subscribe({ customerId, priceId });
  await billing.runUntil("2032-03-01T00:00:00Z");
  const now = await billing.subscription(id);
  expect(now).toMatchObject({ period: 5, periodStart: "2032-02-29T00:00:00.000Z" });
});

test("concurrent and repeated renewals bill a period once", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const { id } = await billing.subscribe({ customerId, priceId });
  const subscriptionId = String(id);
  billing.service.clock.now += 32 * DAY_MS;
  const renew = () =>
    runCommand(billing, (it) => renewSubscription(it, { subscriptionId, period: 1 }));
  await Promise.all(Array.from({ length: 8 }, renew));
  await renew();
  expect(await billing.list(`/v1/invoices?subscriptionId=${subscriptionId}`)).toHaveLength(2);
  const now = await billing.subscription(subscriptionId);
  expect(now).toMatchObject({ period: 2 });
});

test("an unpaid subscription is not billed and starts a new period when its invoice is settled", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-01-31T10:00:00Z");
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const { id, latestInvoiceId } = await billing.subscribe({ customerId, priceId });
  const subscriptionId = String(id);
  const read = () => billing.subscription(subscriptionId);
  await runCommand(billing, (it) => applyDunningOutcome(it, subscriptionId, "unpaid"));
  expect(await read()).toMatchObject({ status: "unpaid", mrr: 0 });
  billing.service.clock.now = Date.parse("2027-05-15T12:00:00Z");
  await runCommand(billing, (it) => renewSubscription(it, { subscriptionId, period: 1 }));
  await runCommand(billing, (it) => recoverSubscription(it, subscriptionId));
  expect(await read()).toMatchObject({ status: "unpaid", period: 1 });
  const refused = await billing.send("PATCH", `/v1/subscriptions/${subscriptionId}`, {
    body: { quantity: 2 },
    headers: { "if-match": "*" },
  });
  expect(refused.status).toBe(409);
  await billing.ask("POST", `/v1/invoices/${String(latestInvoiceId)}/void`, { status: 200 });
  await runCommand(billing, (it) => recoverSubscription(it, subscriptionId));
  expect(await read()).toMatchObject({
    status: "active",
    mrr: 1_000,
    period: 2,
    periodStart: "2027-05-15T12:00:00.000Z",
    periodEnd: "2027-06-15T12:00:00.000Z",
  });
});

test("a renewal before the end of the period is refused and retried later", async () => {
  await using billing = await testBilling();
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const body = { customerId, priceId };
  const { id, periodEnd } = await billing.subscribe(body);
  const subscriptionId = String(id);
  billing.service.clock.now = Date.parse(String(periodEnd)) - 1;
  const early = runCommand(billing, (it) => renewSubscription(it, { subscriptionId, period: 1 }));
  await expect(early).rejects.toThrow("the period has not ended");
});
