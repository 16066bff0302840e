import { expect, test } from "vitest";
import { z } from "zod";

import { newId } from "#platform/ids.ts";

import { testBilling } from "./testing.ts";

test("the terms of a price never change; an archived price is not for sale and its subscriptions continue", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-01-01T00:00:00Z");
  const [customerId, priceId] = [await billing.customer(), await billing.price()];
  const body = { customerId, priceId };
  const { id } = await billing.subscribe(body);
  const path = `/v1/prices/${priceId}`;
  const headers = { "if-match": '"1"' };
  const other = { body: { unitAmount: 2_000 }, headers };
  expect((await billing.send("PATCH", path, other)).status).toBe(400);
  expect((await billing.send("PATCH", path, { body: { archived: true } })).status).toBe(428);
  await billing.ask("PATCH", path, { body: { archived: true }, headers });
  const stale = { body: { archived: false }, headers };
  expect((await billing.send("PATCH", path, stale)).status).toBe(412);
  const again = await billing.send("POST", "/v1/subscriptions", { body });
  expect(again.status).toBe(422);
  expect(again.json).toMatchObject({ errors: [{ path: "body.priceId" }] });
  await billing.runUntil("2027-02-01T00:00:00Z");
  const renewed = await billing.subscription(id);
  expect(renewed).toMatchObject({ period: 2 });
});

test("a price in another currency or of an archived plan is refused", async () => {
  await using billing = await testBilling();
  const planId = await billing.plan();
  const yen = await billing.price({ planId, currency: "JPY" });
  const euro = await billing.price({ planId });
  const customerId = await billing.customer();
  const wrong = await billing.send("POST", "/v1/subscriptions", {
    body: { customerId, priceId: yen },
  });
  expect(wrong.status).toBe(422);
  await billing.ask("PATCH", `/v1/plans/${planId}`, {
    body: { archived: true },
    headers: { "if-match": '"1"' },
  });
  const archived = await billing.send("POST", "/v1/subscriptions", {
    body: { customerId, priceId: euro },
  });
  expect(archived.status).toBe(422);
  const unknown = { planId, currency: "XXX", unitAmount: 1, interval: "month" };
  const response = await billing.send("POST", "/v1/prices", { body: unknown });
  expect(response.json).toMatchObject({ errors: [{ path: "body.currency" }] });
});

test("a new tax rate applies to later invoices, included or added as configured", async () => {
  await using billing = await testBilling();
  const path = "/v1/tax-rates/DE";
  const rate = { name: "MwSt.", basisPoints: 1_900, inclusive: true };
  await billing.put(path, rate);
  const customerId = await billing.customer();
  const lines = [{ description: "Work", unitAmount: 11_900 }];
  const invoice = { body: { customerId, lines, finalize: true } };
  const before = await billing.ask("POST", "/v1/invoices", invoice);
  expect(before).toMatchObject({ tax: 1_900, total: 11_900 });
  const changed = { ...rate, basisPoints: 2_000, inclusive: false };
  await billing.ask("PUT", path, { body: changed, headers: { "if-match": '"1"' } });
  const stale = await billing.send("PUT", path, { body: rate, headers: { "if-match": '"1"' } });
  expect(stale.status).toBe(412);
  const after = await billing.ask("POST", "/v1/invoices", invoice);
  expect(after).toMatchObject({ tax: 2_380, total: 14_280 });
  const kept = await billing.get(`/v1/invoices/${String(before["id"])}`);
  expect(kept).toMatchObject({ tax: 1_900, total: 11_900 });
  const { accounts } = await billing.get("/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "tax_payable", currency: "EUR", balance: -4_280 });
});

test("an account has one customer per currency and creates and changes only its own", async () => {
  await using billing = await testBilling();
  const [accountId, other] = [newId("acc"), newId("acc")];
  const as = await billing.service.token({ sub: accountId });
  const body = { accountId, name: "Ada", email: "Ada@Example.com", country: "DE", currency: "EUR" };
  const mine = await billing.ask("POST", "/v1/customers", { as, body });
  expect(mine).toMatchObject({ email: "ada@example.com", credit: 0 });
  expect((await billing.send("POST", "/v1/customers", { as, body })).status).toBe(409);
  const theirs = { ...body, accountId: other };
  expect((await billing.send("POST", "/v1/customers", { as, body: theirs })).status).toBe(403);
  const path = `/v1/customers/${await billing.customer({ accountId: other })}`;
  const change = { name: "Eve", email: "eve@example.com", country: "FR" };
  const headers = { "if-match": "*" };
  expect((await billing.send("PUT", path, { as, body: change, headers })).status).toBe(404);
  const own = `/v1/customers/${String(mine["id"])}`;
  expect((await billing.send("PUT", own, { as, body: change, headers })).status).toBe(200);
  const list = await billing.send("GET", `/v1/customers?accountId=${other}`, { as });
  expect(list.json).toMatchObject({ items: [{ id: mine["id"], name: "Eve" }], next: null });
});

test("pages of a list are consecutive and complete", async () => {
  await using billing = await testBilling();
  const plans: string[] = [];
  for (let count = 0; count < 5; count += 1) plans.push(await billing.plan());
  const Page = z.object({
    items: z.array(z.object({ id: z.string() })),
    next: z.string().nullable(),
  });
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = Page.parse(await billing.get(`/v1/plans?limit=2${cursor}`));
    seen.push(...page.items.map((it) => it.id));
    cursor = page.next === null ? null : `&cursor=${page.next}`;
  }
  expect(seen).toHaveLength(plans.length);
  expect(new Set(seen)).toEqual(new Set(plans));
});
