import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { type TestBilling, testBilling } from "./testing.ts";

const LINES = [
  { description: "Work", quantity: 3, unitAmount: 3_333 },
  { description: "Travel", unitAmount: 1 },
];

async function create(billing: TestBilling, it: object = {}): Promise<Record<string, unknown>> {
  const customerId = await billing.customer();
  const body = { customerId, lines: LINES, finalize: true, ...it };
  return billing.ask("POST", "/v1/invoices", { body });
}

const act = (billing: TestBilling, id: unknown, action: string) =>
  billing.send("POST", `/v1/invoices/${String(id)}/${action}`);

const credit = (billing: TestBilling, invoiceId: unknown, amount?: number) =>
  billing.send("POST", "/v1/credit-notes", {
    body: { invoiceId, amount, reason: "Returned" },
    headers: { "idempotency-key": newId("key") },
  });

test("a draft can be created, replaced, deleted or finalised; a finalised invoice cannot be changed", async () => {
  await using billing = await testBilling();
  const draft = await create(billing, { finalize: false, discount: { amountOff: 1_000 } });
  expect(draft).toMatchObject({ status: "draft", number: null, subtotal: 10_000, total: 9_000 });
  expect(draft).toMatchObject({ lines: [{ discount: 1_000 }, { discount: 0 }] });
  const path = `/v1/invoices/${String(draft["id"])}`;
  const headers = { "if-match": '"1"' };
  const body = { lines: LINES, discount: { basisPointsOff: 1_000 }, memo: "Thank you" };
  const replaced = await billing.ask("PUT", path, { body, headers });
  expect(replaced).toMatchObject({ total: 9_000, memo: "Thank you", version: 2 });
  expect((await billing.send("PUT", path, { body, headers })).status).toBe(412);
  const final = await act(billing, draft["id"], "finalize");
  expect(final.json).toMatchObject({ status: "open", amountDue: 9_000, version: 3 });
  const late = { "if-match": '"3"' };
  expect((await billing.send("PUT", path, { body, headers: late })).status).toBe(409);
  expect((await billing.send("DELETE", path, { headers: late })).status).toBe(409);
  const other = await create(billing, { finalize: false });
  const deleted = `/v1/invoices/${String(other["id"])}`;
  expect((await billing.send("DELETE", deleted, { headers })).status).toBe(204);
  expect((await billing.send("GET", deleted)).status).toBe(404);
});

test("a void invoice keeps its number, has nothing due and cannot be voided again", async () => {
  await using billing = await testBilling();
  const first = await create(billing);
  const voided = await act(billing, first["id"], "void");
  expect(voided.json).toMatchObject({ status: "void", amountDue: 0, number: first["number"] });
  expect((await act(billing, first["id"], "void")).status).toBe(409);
  const second = await create(billing);
  expect(String(second["number"])).toMatch(/-000002$/);
  const { accounts } = await billing.get("/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "receivable", currency: "EUR", balance: 10_000 });
  expect(await billing.differences()).toEqual([0]);
});

test("concurrent credit notes never exceed the invoice and are numbered without gaps", async () => {
  await using billing = await testBilling();
  const invoice = await create(billing);
  const responses = await Promise.all(
    Array.from({ length: 30 }, () => credit(billing, invoice["id"], 700)),
  );
  const statuses = responses.map((it) => it.status);
  expect(statuses.filter((it) => it === 201)).toHaveLength(14);
  expect(statuses.filter((it) => it === 409)).toHaveLength(16);
  const left = await credit(billing, invoice["id"]);
  expect(left.json).toMatchObject({
    amount: 200,
    number: expect.stringMatching(/^CN-\d+-000015$/),
  });
  const now = await billing.get(`/v1/invoices/${String(invoice["id"])}`);
  expect(now).toMatchObject({ status: "paid", amountDue: 0, credited: 10_000 });
  expect((await credit(billing, invoice["id"])).status).toBe(409);
  expect(await billing.differences()).toEqual([0]);
});

test("a refunded amount cannot be credited as well", async () => {
  await using billing = await testBilling();
  const { invoiceId, paymentId } = await billing.paidBy("ok", 10_000);
  await billing.post("/v1/refunds", { paymentId, amount: 4_000, reason: "Late" });
  const note = await credit(billing, invoiceId, 6_001);
  expect(note.status).toBe(409);
  expect((await credit(billing, invoiceId)).json).toMatchObject({ amount: 6_000 });
  expect(await billing.differences()).toEqual([0]);
});

test("an amount that a credit note turned into credit cannot be refunded as well", async () => {
  await using billing = await testBilling();
  const { invoiceId, paymentId } = await billing.paidBy("ok", 10_000);
  expect((await credit(billing, invoiceId, 6_000)).status).toBe(201);
  const refund = { paymentId, amount: 4_001, reason: "Late" };
  await billing.post("/v1/refunds", refund, 409);
  await billing.post("/v1/refunds", { ...refund, amount: 4_000 });
  await billing.post("/v1/refunds", { ...refund, amount: 1 }, 409);
  expect(await billing.differences()).toEqual([0]);
});

test("a written-off invoice is bad debt, and numbering restarts each year", async () => {
  await using billing = await testBilling();
  billing.service.clock.now = Date.parse("2027-12-31T23:59:59Z");
  const old = await create(billing);
  expect(old["number"]).toBe("INV-2027-000001");
  billing.service.clock.now += 1_000;
  expect((await create(billing))["number"]).toBe("INV-2028-000001");
  const off = await act(billing, old["id"], "write-off");
  expect(off.json).toMatchObject({ status: "uncollectible", amountDue: 10_000 });
  const { accounts } = await billing.get("/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "bad_debt", currency: "EUR", balance: 10_000 });
  expect((await credit(billing, old["id"])).status).toBe(409);
});

test("an invoice over the maximum is refused and uses no number", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const lines = [{ description: "All of it", quantity: 1_000_000, unitAmount: 1_000_000_000_000 }];
  const body = { customerId, lines, finalize: true };
  expect((await billing.send("POST", "/v1/invoices", { body })).status).toBe(422);
  const over = { ...body, lines: [{ description: "More", unitAmount: 1_000_000_000_001 }] };
  const refused = await billing.ask("POST", "/v1/invoices", { body: over, status: 400 });
  expect(refused["detail"]).toContain("from 0 to 1000000000000");
  expect(String((await create(billing))["number"])).toMatch(/-000001$/);
});

test("an account sees its own finalised invoices only; others are not found", async () => {
  await using billing = await testBilling();
  const [accountId, stranger] = [newId("acc"), newId("acc")];
  const [mine, theirs] = [
    await billing.service.token({ sub: accountId }),
    await billing.service.token({ sub: stranger }),
  ];
  const customerId = await billing.customer({ accountId });
  const invoice = await create(billing, { customerId });
  const draft = await create(billing, { customerId, finalize: false });
  const path = `/v1/invoices/${String(invoice["id"])}`;
  expect((await billing.send("GET", path, { as: mine })).status).toBe(200);
  expect((await billing.send("GET", path, { as: theirs })).status).toBe(404);
  const hidden = `/v1/invoices/${String(draft["id"])}`;
  expect((await billing.send("GET", hidden, { as: mine })).status).toBe(404);
  const own = await billing.send("GET", "/v1/invoices", { as: mine });
  expect(own.json).toMatchObject({ items: [{ id: invoice["id"] }] });
  const none = await billing.send("GET", "/v1/invoices", { as: theirs });
  expect(none.json).toMatchObject({ items: [] });
  const priceId = await billing.price();
  const body = { customerId, priceId };
  expect((await billing.send("POST", "/v1/subscriptions", { as: theirs, body })).status).toBe(404);
  expect((await billing.send("POST", "/v1/subscriptions", { as: mine, body })).status).toBe(201);
  expect((await billing.send("POST", `${path}/void`, { as: mine })).status).toBe(403);
});
