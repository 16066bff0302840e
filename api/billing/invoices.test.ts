import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { type TestBooks, testBooks } from "./testing-books.ts";
import { testMoney } from "./testing-money.ts";

const LINES = [
  { description: "Work", quantity: 3, unitAmount: 3_333 },
  { description: "Travel", unitAmount: 1 },
];

async function written(books: TestBooks, it: object = {}): Promise<Record<string, unknown>> {
  const customerId = await books.customer();
  const body = { customerId, lines: LINES, finalize: true, ...it };
  return books.ask("POST", "/v1/invoices", { body });
}

const act = (books: TestBooks, id: unknown, action: string) =>
  books.send("POST", `/v1/invoices/${String(id)}/${action}`);

const credit = (books: TestBooks, invoiceId: unknown, amount?: number) =>
  books.send("POST", "/v1/credit-notes", {
    body: { invoiceId, amount, reason: "Returned" },
    headers: { "idempotency-key": newId("key") },
  });

test("a draft is written, written anew, thrown away or made final; what is final stays as it is", async () => {
  await using books = await testBooks();
  const draft = await written(books, { finalize: false, discount: { amountOff: 1_000 } });
  expect(draft).toMatchObject({ status: "draft", number: null, subtotal: 10_000, total: 9_000 });
  expect(draft).toMatchObject({ lines: [{ discount: 1_000 }, { discount: 0 }] });
  const path = `/v1/invoices/${String(draft["id"])}`;
  const headers = { "if-match": '"1"' };
  const body = { lines: LINES, discount: { basisPointsOff: 1_000 }, memo: "Thank you" };
  const anew = await books.ask("PUT", path, { body, headers });
  expect(anew).toMatchObject({ total: 9_000, memo: "Thank you", version: 2 });
  expect((await books.send("PUT", path, { body, headers })).status).toBe(412);
  const final = await act(books, draft["id"], "finalize");
  expect(final.json).toMatchObject({ status: "open", amountDue: 9_000, version: 3 });
  const late = { "if-match": '"3"' };
  expect((await books.send("PUT", path, { body, headers: late })).status).toBe(409);
  expect((await books.send("DELETE", path, { headers: late })).status).toBe(409);
  const other = await written(books, { finalize: false });
  const gone = `/v1/invoices/${String(other["id"])}`;
  expect((await books.send("DELETE", gone, { headers })).status).toBe(204);
  expect((await books.send("GET", gone)).status).toBe(404);
});

test("a void invoice keeps its number, owes nothing, and can be voided once", async () => {
  await using books = await testBooks();
  const first = await written(books);
  const voided = await act(books, first["id"], "void");
  expect(voided.json).toMatchObject({ status: "void", amountDue: 0, number: first["number"] });
  expect((await act(books, first["id"], "void")).status).toBe(409);
  const second = await written(books);
  expect(String(second["number"])).toMatch(/-000002$/);
  const { accounts } = await books.ask("GET", "/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "receivable", currency: "EUR", balance: 10_000 });
  expect(await books.differences()).toEqual([0]);
});

test("credit notes at the same time never take back more than the invoice, and are numbered without gaps", async () => {
  await using books = await testBooks();
  const invoice = await written(books);
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => credit(books, invoice["id"], 700)),
  );
  const statuses = answers.map((it) => it.status);
  expect(statuses.filter((it) => it === 201)).toHaveLength(14);
  expect(statuses.filter((it) => it === 409)).toHaveLength(16);
  const left = await credit(books, invoice["id"]);
  expect(left.json).toMatchObject({
    amount: 200,
    number: expect.stringMatching(/^CN-\d+-000015$/),
  });
  const now = await books.ask("GET", `/v1/invoices/${String(invoice["id"])}`);
  expect(now).toMatchObject({ status: "paid", amountDue: 0, credited: 10_000 });
  expect((await credit(books, invoice["id"])).status).toBe(409);
  expect(await books.differences()).toEqual([0]);
});

test("what was refunded or is disputed is not credited as well", async () => {
  await using money = await testMoney();
  const { invoiceId, paymentId } = await money.paidBy("ok", 10_000);
  await money.post("/v1/refunds", { paymentId, amount: 4_000, reason: "Late" });
  const note = await credit(money, invoiceId, 6_001);
  expect(note.status).toBe(409);
  expect((await credit(money, invoiceId)).json).toMatchObject({ amount: 6_000 });
  expect(await money.differences()).toEqual([0]);
});

test("what a credit note made credit is not refunded as well", async () => {
  await using money = await testMoney();
  const { invoiceId, paymentId } = await money.paidBy("ok", 10_000);
  expect((await credit(money, invoiceId, 6_000)).status).toBe(201);
  const refund = { paymentId, amount: 4_001, reason: "Late" };
  await money.post("/v1/refunds", refund, 409);
  await money.post("/v1/refunds", { ...refund, amount: 4_000 });
  await money.post("/v1/refunds", { ...refund, amount: 1 }, 409);
  expect(await money.differences()).toEqual([0]);
});

test("an invoice written off is bad debt, and the year numbers anew", async () => {
  await using books = await testBooks();
  books.service.clock.now = Date.parse("2027-12-31T23:59:59Z");
  const old = await written(books);
  expect(old["number"]).toBe("INV-2027-000001");
  books.service.clock.now += 1_000;
  expect((await written(books))["number"]).toBe("INV-2028-000001");
  const off = await act(books, old["id"], "write-off");
  expect(off.json).toMatchObject({ status: "uncollectible", amountDue: 10_000 });
  const { accounts } = await books.ask("GET", "/v1/ledger/balance");
  expect(accounts).toContainEqual({ account: "bad_debt", currency: "EUR", balance: 10_000 });
  expect((await credit(books, old["id"])).status).toBe(409);
});

test("an invoice over the most that one may have is refused, and takes no number", async () => {
  await using books = await testBooks();
  const customerId = await books.customer();
  const lines = [{ description: "All of it", quantity: 1_000_000, unitAmount: 1_000_000_000_000 }];
  const body = { customerId, lines, finalize: true };
  expect((await books.send("POST", "/v1/invoices", { body })).status).toBe(422);
  const over = { ...body, lines: [{ description: "More", unitAmount: 1_000_000_000_001 }] };
  const refused = await books.ask("POST", "/v1/invoices", { body: over, status: 400 });
  expect(refused["detail"]).toContain("from 0 to 1000000000000");
  expect(String((await written(books))["number"])).toMatch(/-000001$/);
});

test("what is somebody else's is not there; one's own is, but drafts", async () => {
  await using books = await testBooks();
  const [accountId, stranger] = [newId("acc"), newId("acc")];
  const [mine, theirs] = [
    await books.service.token({ sub: accountId }),
    await books.service.token({ sub: stranger }),
  ];
  const customerId = await books.customer({ accountId });
  const invoice = await written(books, { customerId });
  const draft = await written(books, { customerId, finalize: false });
  const path = `/v1/invoices/${String(invoice["id"])}`;
  expect((await books.send("GET", path, { as: mine })).status).toBe(200);
  expect((await books.send("GET", path, { as: theirs })).status).toBe(404);
  const hidden = `/v1/invoices/${String(draft["id"])}`;
  expect((await books.send("GET", hidden, { as: mine })).status).toBe(404);
  const own = await books.send("GET", "/v1/invoices", { as: mine });
  expect(own.json).toMatchObject({ items: [{ id: invoice["id"] }] });
  const none = await books.send("GET", "/v1/invoices", { as: theirs });
  expect(none.json).toMatchObject({ items: [] });
  const priceId = await books.price();
  const body = { customerId, priceId };
  expect((await books.send("POST", "/v1/subscriptions", { as: theirs, body })).status).toBe(404);
  expect((await books.send("POST", "/v1/subscriptions", { as: mine, body })).status).toBe(201);
  expect((await books.send("POST", `${path}/void`, { as: mine })).status).toBe(403);
});
