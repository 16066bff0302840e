import { expect, test } from "vitest";

import { DAY_MS, type TestBilling, testBilling } from "./testing.ts";

/** A customer who pays 30.00 EUR a month from 1 April 2027 (30 days), with 20 % tax on top. */
async function subscribed(billing: TestBilling, it: { interval?: string } = {}) {
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const rate = { name: "VAT", basisPoints: 2_000, inclusive: false };
  await billing.put("/v1/tax-rates/DE", rate);
  const customerId = await billing.customer();
  const planId = await billing.plan();
  const priceId = await billing.price({ planId, unitAmount: 3_000, ...it });
  const started = await billing.subscribe({ customerId, priceId });
  return { customerId, planId, priceId, id: String(started["id"]) };
}

/** Changes the version that the subscription has now. */
async function change(billing: TestBilling, id: string, body: object) {
  const { version } = await billing.subscription(id);
  return billing.ask("PATCH", `/v1/subscriptions/${id}`, {
    body,
    headers: { "if-match": `"${Number(version)}"` },
  });
}

const invoice = (billing: TestBilling, subscription: Record<string, unknown>) =>
  billing.latestInvoice(subscription);

test("a higher quantity is charged for the rest of the period, to the second", async () => {
  await using billing = await testBilling();
  const { id } = await subscribed(billing);
  billing.service.clock.now += 10 * DAY_MS + 999;
  const changed = await change(billing, id, { quantity: 3 });
  expect(changed).toMatchObject({ quantity: 3, mrr: 9_000, version: 2 });
  expect(await invoice(billing, changed)).toMatchObject({
    subtotal: 4_000,
    tax: 800,
    total: 4_800,
    amountDue: 4_800,
    lines: [
      { kind: "proration_credit", amount: -2_000, tax: -400 },
      { kind: "proration_charge", amount: 6_000, tax: 1_200 },
    ],
  });
  const stale = await billing.send("PATCH", `/v1/subscriptions/${id}`, {
    body: { quantity: 4 },
    headers: { "if-match": '"1"' },
  });
  expect(stale.status).toBe(412);
  expect(await billing.differences()).toEqual([0]);
});

test("changing a price and back at the same time leaves the customer's balance unchanged", async () => {
  await using billing = await testBilling();
  const { id, customerId, planId, priceId } = await subscribed(billing);
  const other = await billing.price({ planId, unitAmount: 777 });
  billing.service.clock.now += 7 * DAY_MS + 12_345;
  await change(billing, id, { priceId: other, quantity: 13 });
  await change(billing, id, { priceId, quantity: 1 });
  const { items } = await billing.get(`/v1/invoices?customerId=${customerId}`);
  const due = Array.isArray(items) ? items.reduce((sum, it) => sum + it["amountDue"], 0) : -1;
  const { credit } = await billing.get(`/v1/customers/${customerId}`);
  expect(due - Number(credit)).toBe(3_600);
  expect(await billing.differences()).toEqual([0]);
});

test("a cheaper price gives credit that pays open invoices", async () => {
  await using billing = await testBilling();
  const { id, customerId, planId } = await subscribed(billing);
  const { latestInvoiceId: first } = await billing.subscription(id);
  const cheap = await billing.price({ planId, unitAmount: 300 });
  billing.service.clock.now += 15 * DAY_MS;
  const changed = await change(billing, id, { priceId: cheap });
  expect(await invoice(billing, changed)).toMatchObject({
    status: "paid",
    total: -1_620,
    creditApplied: -1_620,
    amountDue: 0,
  });
  const open = await billing.get(`/v1/invoices/${String(first)}`);
  expect(open).toMatchObject({ status: "open", amountDue: 1_980, creditApplied: 1_620 });
  expect(await billing.customerCredit(customerId)).toBe(0);
  expect(await billing.differences()).toEqual([0]);
});

test("another interval ends the period now and starts a new one, billed once", async () => {
  await using billing = await testBilling();
  const { id, planId } = await subscribed(billing);
  const yearly = await billing.price({ planId, unitAmount: 30_000, interval: "year" });
  billing.service.clock.now += 15 * DAY_MS;
  const changed = await change(billing, id, { priceId: yearly });
  expect(changed).toMatchObject({
    period: 2,
    mrr: 2_500,
    periodStart: "2027-04-16T00:00:00.000Z",
    periodEnd: "2028-04-16T00:00:00.000Z",
  });
  expect(await invoice(billing, changed)).toMatchObject({ subtotal: 28_500, total: 34_200 });
  await billing.runUntil("2027-05-01T00:00:00Z");
  expect(await billing.subscription(id)).toMatchObject({ period: 2 });
});

test("canceling now credits the rest of the period; canceling at its end bills no further period", async () => {
  await using billing = await testBilling();
  const { id, customerId } = await subscribed(billing);
  const kept = await subscribed(billing);
  billing.service.clock.now += 20 * DAY_MS;
  const cancel = (it: string, at: string) =>
    billing.ask("POST", `/v1/subscriptions/${it}/cancel`, { body: { at }, status: 200 });
  const ended = await cancel(id, "now");
  expect(ended).toMatchObject({ status: "canceled", mrr: 0 });
  expect(await invoice(billing, ended)).toMatchObject({ total: -1_200 });
  expect(await billing.list(`/v1/invoices?customerId=${customerId}&status=open`)).toMatchObject([
    { amountDue: 2_400 },
  ]);
  expect(await cancel(kept.id, "period_end")).toMatchObject({ status: "active", mrr: 3_000 });
  await billing.runUntil("2027-07-01T00:00:00Z");
  const canceled = await billing.subscription(kept.id);
  expect(canceled).toMatchObject({ status: "canceled", period: 1, mrr: 0 });
  const again = await billing.send("POST", `/v1/subscriptions/${id}/cancel`, {
    body: { at: "now" },
  });
  expect(again.status).toBe(409);
  expect(await billing.differences()).toEqual([0]);
});

test("a trial is free, limited to one per plan, and billed from its end", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-04-01T00:00:00Z");
  const [customerId, priceId] = [await billing.customer(), await billing.price({ trialDays: 14 })];
  const body = { customerId, priceId };
  const trial = await billing.subscribe(body);
  expect(trial).toMatchObject({
    status: "trialing",
    mrr: 0,
    latestInvoiceId: null,
    periodEnd: "2027-04-15T00:00:00.000Z",
  });
  await change(billing, String(trial["id"]), { quantity: 2 });
  await billing.runUntil("2027-04-15T00:00:00Z");
  const paid = await billing.subscription(trial["id"]);
  expect(paid).toMatchObject({ status: "active", mrr: 2_000, period: 2 });
  expect(paid).toMatchObject({ periodEnd: "2027-05-15T00:00:00.000Z" });
  const second = await billing.subscribe(body);
  expect(second).toMatchObject({ status: "active" });
});
