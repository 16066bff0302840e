import * as fc from "fast-check";
import { expect, test } from "vitest";

import { newId } from "#platform/ids.ts";

import { settleInvoice, unsettleInvoice } from "./commands/settle-invoice.ts";
import { money } from "./domain/money.ts";
import { post } from "./repositories/ledger.ts";
import { type TestBilling, runCommand, testBilling } from "./testing.ts";

const POSTING = { at: 0, kind: "test", ref: "1" };

test("an unbalanced posting is refused by the code, and by the database if the code is bypassed", async () => {
  await using billing = await testBilling();
  const { database } = billing.service;
  const entries = [
    { account: "revenue", currency: "EUR", amount: -5n },
    { account: "cash:gateway", currency: "USD", amount: 5n },
  ] as const;
  await expect(database.transaction((tx) => post(tx, { ...POSTING, entries }))).rejects.toThrow(
    "is out of balance by -5 EUR",
  );
  const bypass = database.transaction(async (tx) => {
    await tx.query("INSERT INTO ledger_transactions VALUES ('t', '2026-01-01', 'x', 'y')");
    await tx.query(
      "INSERT INTO ledger_entries (transaction_id, account, currency, amount) VALUES ('t', 'revenue', 'EUR', -5), ('t', 'refunds', 'EUR', 4)",
    );
  });
  await expect(bypass).rejects.toThrow("does not balance");
  expect(await database.query("SELECT * FROM ledger_transactions")).toEqual([]);
});

test("a posting is never changed, deleted or made twice", async () => {
  await using billing = await testBilling();
  const { database } = billing.service;
  const entries = [
    { account: "revenue", currency: "EUR", amount: -5n },
    { account: "cash:gateway", currency: "EUR", amount: 5n },
  ] as const;
  const postOnce = () => database.transaction((tx) => post(tx, { ...POSTING, entries }));
  await postOnce();
  await expect(postOnce()).rejects.toMatchObject({ code: "23505" });
  for (const sql of [
    "UPDATE ledger_entries SET amount = 6",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "UPDATE ledger_transactions SET kind = 'other'",
  ]) {
    await expect(database.query(sql)).rejects.toThrow("only ever added to");
  }
  const page = await billing.get("/v1/ledger/entries?limit=1");
  expect(page["items"]).toMatchObject([{ account: "revenue", amount: -5, ref: "1" }]);
  const rest = await billing.get(`/v1/ledger/entries?limit=1&cursor=${String(page["next"])}`);
  expect(rest).toMatchObject({ items: [{ account: "cash:gateway" }], next: null });
});

const steps = fc.record({
  operation: fc.constantFrom(
    ...(["subscribe", "change", "cancel", "renew", "invoice", "invoice"] as const),
    ...(["void", "void", "credit"] as const),
    ...(["pay", "pay", "overpay", "underpay", "reverse", "write-off"] as const),
  ),
  pick: fc.nat({ max: 1_000 }),
  amount: fc.integer({ min: 1, max: 9_999 }),
});
type Step = typeof steps extends fc.Arbitrary<infer Value> ? Value : never;

test(
  "after any sequence of operations the ledger balances and agrees with invoices and customers",
  { timeout: 120_000 },
  async () => {
    await using billing = await testBilling();
    const rate = { name: "VAT", basisPoints: 1_900, inclusive: true };
    await billing.put("/v1/tax-rates/DE", rate);
    const planId = await billing.plan();
    const prices = await Promise.all([
      billing.price({ planId, unitAmount: 999 }),
      billing.price({ planId, unitAmount: 49_999, interval: "year" }),
      billing.price({ planId, unitAmount: 1 }),
    ]);
    const coupon = { code: "EVER", basisPointsOff: 3_333, duration: "forever" };
    await billing.coupon(coupon);
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 15 }), async (sequence) => {
        const world = new World(billing, await billing.customer(), prices);
        for (const step of sequence) {
          await world.run(step);
          await billing.expectReconciled();
        }
      }),
      { numRuns: 12 },
    );
  },
);

type Settled = { paymentId: string; invoiceId: string; amount: ReturnType<typeof money> };

/** Runs random operations on one customer; they may be refused by the rules. */
class World {
  private readonly payments: Settled[] = [];
  private readonly billing: TestBilling;
  private readonly customerId: string;
  private readonly prices: readonly string[];

  constructor(billing: TestBilling, customerId: string, prices: readonly string[]) {
    this.billing = billing;
    this.customerId = customerId;
    this.prices = prices;
  }

  async run({ operation, pick, amount }: Step): Promise<void> {
    const { billing, customerId } = this;
    const [path] = await this.pick("subscriptions", pick);
    const [invoicePath, invoice] = await this.pick("invoices", pick);
    billing.service.clock.now += (pick % 300) * 3_600_000;
    const priceId = this.prices[pick % this.prices.length];
    const quantity = 1 + (amount % 7);
    const lines = [{ description: "Thing", quantity, unitAmount: amount }];
    const couponCode = pick % 2 ? { couponCode: "EVER" } : {};
    const invoiceId = invoice?.["id"] ?? newId("inv");
    const order = { customerId, priceId, quantity, ...couponCode };
    const due = Number(invoice?.["amountDue"] ?? 0);
    const operations: Record<Step["operation"], () => Promise<void>> = {
      subscribe: () => this.send("POST", "/v1/subscriptions", order),
      change: () => this.send("PATCH", path, { priceId, quantity }),
      cancel: () => this.send("POST", `${path}/cancel`, { at: pick % 2 ? "now" : "period_end" }),
      renew: () => billing.service.runJobs(),
      invoice: () => this.send("POST", "/v1/invoices", { customerId, lines, finalize: true }),
      void: () => this.send("POST", `${invoicePath}/void`, undefined),
      credit: () => this.send("POST", "/v1/credit-notes", { invoiceId, amount, reason: "x" }),
      "write-off": () => this.send("POST", `${invoicePath}/write-off`, undefined),
      pay: () => this.pay(invoice, due),
      overpay: () => this.pay(invoice, due + amount),
      underpay: () => this.pay(invoice, amount),
      reverse: () => this.reversePayment(),
    };
    if (operation === "change") await billing.service.runJobs();
    await operations[operation]();
  }

  private async reversePayment(): Promise<void> {
    const payment = this.payments.pop();
    if (payment) await runCommand(this.billing, (context) => unsettleInvoice(context, payment));
  }

  private async pay(invoice: Record<string, unknown> | undefined, amount: number): Promise<void> {
    if (invoice === undefined) return;
    const invoiceId = String(invoice["id"]);
    const payment = {
      paymentId: newId("pay"),
      invoiceId,
      amount: money(BigInt(Math.max(1, amount))),
    };
    await runCommand(this.billing, (context) => settleInvoice(context, payment));
    this.payments.push(payment);
  }

  private async pick(kind: string, pick: number) {
    const items = await this.billing.list(`/v1/${kind}?limit=100&customerId=${this.customerId}`);
    const found = items[pick % Math.max(1, items.length)];
    const id = found === undefined ? newId(kind.slice(0, 3)) : String(found["id"]);
    return [`/v1/${kind}/${id}`, found] as const;
  }

  private async send(method: string, path: string, body: unknown): Promise<void> {
    const headers = { "idempotency-key": newId("key"), "if-match": "*" };
    const { status, text } = await this.billing.send(method, path, { body, headers });
    if (status >= 500 || status === 400) throw new Error(`${method} ${path}: ${status} ${text}`);
  }
}

test("a payment of an invoice that was written off is applied", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const invoiceId = await billing.invoice(customerId, 500);
  await billing.post(`/v1/invoices/${invoiceId}/write-off`, undefined, 200);
  const payment = { invoiceId, paymentId: newId("pay"), amount: money(700n) };
  await runCommand(billing, (context) => settleInvoice(context, payment));
  const invoice = await billing.get(`/v1/invoices/${invoiceId}`);
  expect(invoice).toMatchObject({ status: "paid", amountDue: 0, amountPaid: 500 });
  expect(await billing.customerCredit(customerId)).toBe(200);
  await billing.expectReconciled();
});

test("credit pays the next invoice and is returned when that is voided", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const invoiceId = await billing.invoice(customerId, 500);
  const payment = { invoiceId, paymentId: newId("pay"), amount: money(700n) };
  await runCommand(billing, (context) => settleInvoice(context, payment));
  const next = await billing.invoice(customerId, 500);
  const invoice = await billing.get(`/v1/invoices/${next}`);
  expect(invoice).toMatchObject({ creditApplied: 200, amountDue: 300 });
  expect(await billing.customerCredit(customerId)).toBe(0);
  await billing.post(`/v1/invoices/${next}/void`, undefined, 200);
  expect(await billing.customerCredit(customerId)).toBe(200);
  await billing.expectReconciled();
});
