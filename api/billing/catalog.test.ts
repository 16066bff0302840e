import { expect, test } from "vitest";
import { z } from "zod";

import { newId } from "#platform/ids.ts";

import { testBooks } from "./testing-books.ts";

test("what a price costs never changes; archived, it is not sold, and its subscriptions go on", async () => {
  await using books = await testBooks();
  books.service.clock.now = Date.parse("2027-01-01T00:00:00Z");
  const [customerId, priceId] = [await books.customer(), await books.price()];
  const body = { customerId, priceId };
  const { id } = await books.ask("POST", "/v1/subscriptions", { body });
  const path = `/v1/prices/${priceId}`;
  const headers = { "if-match": '"1"' };
  const dearer = { body: { unitAmount: 2_000 }, headers };
  expect((await books.send("PATCH", path, dearer)).status).toBe(400);
  expect((await books.send("PATCH", path, { body: { archived: true } })).status).toBe(428);
  await books.ask("PATCH", path, { body: { archived: true }, headers });
  const stale = { body: { archived: false }, headers };
  expect((await books.send("PATCH", path, stale)).status).toBe(412);
  const again = await books.send("POST", "/v1/subscriptions", { body });
  expect(again.status).toBe(422);
  expect(again.json).toMatchObject({ errors: [{ path: "body.priceId" }] });
  books.service.clock.now = Date.parse("2027-02-01T00:00:00Z");
  await books.service.runJobs();
  const renewed = await books.ask("GET", `/v1/subscriptions/${String(id)}`);
  expect(renewed).toMatchObject({ period: 2 });
});

test("a price in a currency that the customer does not pay in, or of a plan that is archived, is refused", async () => {
  await using books = await testBooks();
  const planId = await books.plan();
  const yen = await books.price({ planId, currency: "JPY" });
  const euro = await books.price({ planId });
  const customerId = await books.customer();
  const wrong = await books.send("POST", "/v1/subscriptions", {
    body: { customerId, priceId: yen },
  });
  expect(wrong.status).toBe(422);
  await books.ask("PATCH", `/v1/plans/${planId}`, {
    body: { archived: true },
    headers: { "if-match": '"1"' },
  });
  const gone = await books.send("POST", "/v1/subscriptions", {
    body: { customerId, priceId: euro },
  });
  expect(gone.status).toBe(422);
  const unknown = { planId, currency: "XXX", unitAmount: 1, interval: "month" };
  const answer = await books.send("POST", "/v1/prices", { body: unknown });
  expect(answer.json).toMatchObject({ errors: [{ path: "body.currency" }] });
});

test("a new tax rate is for later invoices, in the price or on top as the country has it", async () => {
  await using books = await testBooks();
  const path = "/v1/tax-rates/DE";
  const rate = { name: "MwSt.", basisPoints: 1_900, inclusive: true };
  await books.ask("PUT", path, { body: rate, headers: { "if-match": "*" } });
  const customerId = await books.customer();
  const lines = [{ description: "Work", unitAmount: 11_900 }];
  const invoice = { body: { customerId, lines, finalize: true } };
  const before = await books.ask("POST", "/v1/invoices", invoice);
  expect(before).toMatchObject({ tax: 1_900, total: 11_900 });
  const changed = { ...rate, basisPoints: 2_000, inclusive: false };
  await books.ask("PUT", path, { body: changed, headers: { "if-match": '"1"' } });
  const stale = await books.send("PUT", path, { body: rate, headers: { "if-match": '"1"' } });
  expect(stale.status).toBe(412);
  const after = await books.ask("POST", "/v1/invoices", invoice);
  expect(after).toMatchObject({ tax: 2_380, total: 14_280 });
  const kept = await books.ask("GET", `/v1/invoices/${String(before["id"])}`);
  expect(kept).toMatchObject({ tax: 1_900, total: 11_900 });
  const { accounts } = await books.ask("GET", "/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "tax_payable", currency: "EUR", balance: -4_280 });
});

test("an account is a customer once in a currency, makes only itself one, and changes only itself", async () => {
  await using books = await testBooks();
  const [accountId, other] = [newId("acc"), newId("acc")];
  const as = await books.service.token({ sub: accountId });
  const body = { accountId, name: "Ada", email: "Ada@Example.com", country: "DE", currency: "EUR" };
  const mine = await books.ask("POST", "/v1/customers", { as, body });
  expect(mine).toMatchObject({ email: "ada@example.com", credit: 0 });
  expect((await books.send("POST", "/v1/customers", { as, body })).status).toBe(409);
  const theirs = { ...body, accountId: other };
  expect((await books.send("POST", "/v1/customers", { as, body: theirs })).status).toBe(403);
  const path = `/v1/customers/${await books.customer({ accountId: other })}`;
  const change = { name: "Eve", email: "eve@example.com", country: "FR" };
  const headers = { "if-match": "*" };
  expect((await books.send("PUT", path, { as, body: change, headers })).status).toBe(404);
  const own = `/v1/customers/${String(mine["id"])}`;
  expect((await books.send("PUT", own, { as, body: change, headers })).status).toBe(200);
  const list = await books.send("GET", `/v1/customers?accountId=${other}`, { as });
  expect(list.json).toMatchObject({ items: [{ id: mine["id"], name: "Eve" }], next: null });
});

test("a list goes on where its page ended", async () => {
  await using books = await testBooks();
  const plans: string[] = [];
  for (let count = 0; count < 5; count += 1) plans.push(await books.plan());
  const Page = z.object({
    items: z.array(z.object({ id: z.string() })),
    next: z.string().nullable(),
  });
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = Page.parse(await books.ask("GET", `/v1/plans?limit=2${cursor}`));
    seen.push(...page.items.map((it) => it.id));
    cursor = page.next === null ? null : `&cursor=${page.next}`;
  }
  expect(seen).toHaveLength(plans.length);
  expect(new Set(seen)).toEqual(new Set(plans));
});
