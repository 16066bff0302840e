import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";

import { newId } from "#platform/ids.ts";

import { settleInvoice, unsettleInvoice, writeOffInvoice } from "./commands/settle-invoice.ts";
import type { BillingDeps } from "./deps.ts";
import { money } from "./domain/money.ts";
import { lockInvoice } from "./repositories/invoices.ts";
import { post } from "./repositories/ledger.ts";
import { type TestBilling, testBilling } from "./testing.ts";

const KIND = { at: 0, kind: "test", ref: "1" };

test("what does not balance is refused by the code, and by the database where the code is bypassed", async () => {
  await using billing = await testBilling();
  const { database } = billing.service;
  const entries = [
    { account: "revenue", currency: "EUR", amount: -5n },
    { account: "cash:gateway", currency: "USD", amount: 5n },
  ] as const;
  await expect(database.transaction((tx) => post(tx, { ...KIND, entries }))).rejects.toThrow(
    "is off by -5 EUR",
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

test("what was posted is never changed, taken away, or posted twice", async () => {
  await using billing = await testBilling();
  const { database } = billing.service;
  const entries = [
    { account: "revenue", currency: "EUR", amount: -5n },
    { account: "cash:gateway", currency: "EUR", amount: 5n },
  ] as const;
  const twice = () => database.transaction((tx) => post(tx, { ...KIND, entries }));
  await twice();
  await expect(twice()).rejects.toMatchObject({ code: "23505" });
  for (const sql of [
    "UPDATE ledger_entries SET amount = 6",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "UPDATE ledger_transactions SET kind = 'other'",
  ]) {
    await expect(database.query(sql)).rejects.toThrow("only ever added to");
  }
  const page = await billing.ask("GET", "/v1/ledger/entries?limit=1");
  expect(page["items"]).toMatchObject([{ account: "revenue", amount: -5, ref: "1" }]);
  const rest = await billing.ask(
    "GET",
    `/v1/ledger/entries?limit=1&cursor=${String(page["next"])}`,
  );
  expect(rest).toMatchObject({ items: [{ account: "cash:gateway" }], next: null });
});

const step = fc.record({
  verb: fc.constantFrom(
    ...([
      "subscribe",
      "change",
      "cancel",
      "renew",
      "invoice",
      "invoice",
      "void",
      "void",
      "credit",
    ] as const),
    ...(["pay", "pay", "overpay", "underpay", "unpay", "write-off"] as const),
  ),
  pick: fc.nat({ max: 1_000 }),
  amount: fc.integer({ min: 1, max: 9_999 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

test(
  "whatever is done in whatever order, the ledger balances and agrees with invoices and customers",
  { timeout: 120_000 },
  async () => {
    await using billing = await testBilling();
    const rate = { name: "VAT", basisPoints: 1_900, inclusive: true };
    await billing.ask("PUT", "/v1/tax-rates/DE", { body: rate, headers: { "if-match": "*" } });
    const planId = await billing.plan();
    const prices = await Promise.all([
      billing.price({ planId, unitAmount: 999 }),
      billing.price({ planId, unitAmount: 49_999, interval: "year" }),
      billing.price({ planId, unitAmount: 1 }),
    ]);
    const coupon = { code: "EVER", basisPointsOff: 3_333, duration: "forever" };
    await billing.ask("POST", "/v1/coupons", { body: coupon });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 15 }), async (steps) => {
        const customerId = await billing.customer();
        const world = new World(billing, customerId, prices);
        for (const it of steps) {
          await world.doIt(it);
          await billing.expectReconciled();
        }
      }),
      { numRuns: 12 },
    );
  },
);

/** Does one random thing to one customer; what is refused by the rules is refused, and changes nothing. */
class World {
  private readonly payments: { id: string; invoiceId: string; amount: bigint }[] = [];
  private readonly deps: BillingDeps;
  private readonly billing: TestBilling;
  private readonly customerId: string;
  private readonly prices: readonly string[];

  constructor(billing: TestBilling, customerId: string, prices: readonly string[]) {
    this.billing = billing;
    this.customerId = customerId;
    this.prices = prices;
    this.deps = testDeps(billing);
  }

  async doIt({ verb, pick, amount }: Step): Promise<void> {
    const { billing, customerId } = this;
    const [path] = await this.one("subscriptions", pick);
    const [invoicePath, invoice] = await this.one("invoices", pick);
    billing.service.clock.now += (pick % 300) * 3_600_000;
    const priceId = this.prices[pick % this.prices.length];
    const quantity = 1 + (amount % 7);
    const lines = [{ description: "Thing", quantity, unitAmount: amount }];
    const couponCode = pick % 2 ? { couponCode: "EVER" } : {};
    const invoiceId = invoice?.id ?? newId("inv");
    const wanted = { customerId, priceId, quantity, ...couponCode };
    const deeds: Record<Step["verb"], () => Promise<void>> = {
      subscribe: () => this.refusable("POST", "/v1/subscriptions", wanted),
      change: () => this.refusable("PATCH", path, { priceId, quantity }),
      cancel: () =>
        this.refusable("POST", `${path}/cancel`, { at: pick % 2 ? "now" : "period_end" }),
      renew: () => billing.service.runJobs(),
      invoice: () => this.refusable("POST", "/v1/invoices", { customerId, lines, finalize: true }),
      void: () => this.refusable("POST", `${invoicePath}/void`, undefined),
      credit: () => this.refusable("POST", "/v1/credit-notes", { invoiceId, amount, reason: "x" }),
      "write-off": () => this.refusable("POST", `${invoicePath}/write-off`, undefined),
      pay: () => this.pay(invoice, invoice?.amountDue ?? 0),
      overpay: () => this.pay(invoice, (invoice?.amountDue ?? 0) + amount),
      underpay: () => this.pay(invoice, amount),
      unpay: () => this.unpay(),
    };
    if (verb === "change") await billing.service.runJobs();
    await deeds[verb]();
  }

  private async unpay(): Promise<void> {
    const payment = this.payments.pop();
    if (payment === undefined) return;
    const { database, clock } = this.billing.service;
    const failed = {
      ...payment,
      amount: money(payment.amount),
      paymentId: payment.id,
      nowMs: clock.now,
    };
    await database.transaction((tx) => unsettleInvoice(this.deps, tx, failed));
  }

  private async pay(invoice: { id: string } | undefined, amount: number): Promise<void> {
    if (invoice === undefined) return;
    const { database, clock } = this.billing.service;
    const paid = BigInt(Math.max(1, amount));
    const payment = { id: newId("pay"), invoiceId: invoice.id, amount: paid };
    const settled = {
      ...payment,
      amount: money(paid),
      paymentId: payment.id,
      nowMs: clock.now,
    };
    await database.transaction((tx) => settleInvoice(this.deps, tx, settled));
    this.payments.push(payment);
  }

  private async one(kind: string, pick: number) {
    const Page = z.object({
      items: z.array(z.object({ id: z.string(), amountDue: z.number().default(0) })),
    });
    const list = await this.billing.ask(
      "GET",
      `/v1/${kind}?limit=100&customerId=${this.customerId}`,
    );
    const { items } = Page.parse(list);
    const found = items[pick % Math.max(1, items.length)];
    return [`/v1/${kind}/${found?.id ?? newId(kind.slice(0, 3))}`, found] as const;
  }

  private async refusable(method: string, path: string, body: unknown): Promise<void> {
    const headers = { "idempotency-key": newId("key"), "if-match": "*" };
    const { status, text } = await this.billing.send(method, path, { body, headers });
    if (status >= 500 || status === 400) throw new Error(`${method} ${path}: ${status} ${text}`);
  }
}

/** The verbs that only payments call, called as payments do. */
function testDeps(billing: TestBilling): BillingDeps {
  const { database } = billing.service;
  const unused = (): never => {
    throw new Error("settling needs no more than to publish");
  };
  // Settling an invoice only publishes.
  return {
    kit: { database, publish: () => Promise.resolve(), secret: unused },
  } as unknown as BillingDeps;
}

test("money that comes for an invoice that was written off is taken", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const lines = [{ description: "Work", unitAmount: 500 }];
  const body = { customerId, lines, finalize: true };
  const { id } = await billing.ask("POST", "/v1/invoices", { body });
  const deps = testDeps(billing);
  const given = { invoiceId: String(id), nowMs: billing.service.clock.now };
  const { database } = billing.service;
  await database.transaction((tx) => writeOffInvoice(deps, tx, given));
  const paid = { ...given, paymentId: newId("pay"), amount: money(700n) };
  await database.transaction((tx) => settleInvoice(deps, tx, paid));
  const invoice = await database.transaction((tx) => lockInvoice(tx, given.invoiceId));
  expect(invoice).toMatchObject({ status: "paid", amountDue: 0n, amountPaid: 500n });
  expect(await billing.ask("GET", `/v1/customers/${customerId}`)).toMatchObject({ credit: 200 });
  await billing.expectReconciled();
});

test("credit pays the next invoice, and comes back when that one is voided", async () => {
  await using billing = await testBilling();
  const customerId = await billing.customer();
  const lines = [{ description: "Work", unitAmount: 500 }];
  const body = { customerId, lines, finalize: true };
  const first = await billing.ask("POST", "/v1/invoices", { body });
  const { database, clock } = billing.service;
  const paid = { invoiceId: String(first["id"]), paymentId: newId("pay"), amount: money(700n) };
  const settled = { ...paid, nowMs: clock.now };
  await database.transaction((tx) => settleInvoice(testDeps(billing), tx, settled));
  const next = await billing.ask("POST", "/v1/invoices", { body });
  expect(next).toMatchObject({ creditApplied: 200, amountDue: 300 });
  const customer = () => billing.ask("GET", `/v1/customers/${customerId}`);
  expect(await customer()).toMatchObject({ credit: 0 });
  await billing.ask("POST", `/v1/invoices/${String(next["id"])}/void`, { status: 200 });
  expect(await customer()).toMatchObject({ credit: 200 });
  await billing.expectReconciled();
});
