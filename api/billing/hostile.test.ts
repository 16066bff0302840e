import { randomUUID } from "node:crypto";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type Kind, type Watched, watchBooks } from "./testing-hostile.ts";
import { type TestMoney, numberOf, testMoney } from "./testing-money.ts";

/** FUZZ_RUNS tries more of them; FUZZ_SEED, which a failure prints with its steps, the same ones again. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 12);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(performance.timeOrigin));
const START_MS = Date.parse("2027-01-30T00:00:00Z");
const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** A card whose money is always returned is charged every day: that is long enough. */
const STOPS_MAX = 25;

const CARDS = [
  "ok",
  "declined",
  "dispute",
  "late_failure",
  "answers_late",
  "no_answer",
  "refund_late",
  "refund_fails",
  "authentication_ok",
];
const PRICES = [
  { unitAmount: 1_000 },
  { unitAmount: 333 },
  { unitAmount: 1_200, interval: "year" },
  { unitAmount: 4_999, interval: "year" },
];
const COUPONS = [
  { code: "HALF", basisPointsOff: 5_000, duration: "once" },
  { code: "THIRD", basisPointsOff: 3_333, duration: "forever" },
  { code: "FOUR", amountOff: 400, currency: "EUR", minimumAmount: 900, duration: "forever" },
];
const TAXES = {
  DE: { name: "VAT", basisPoints: 1_900, inclusive: true },
  FR: { name: "TVA", basisPoints: 2_000, inclusive: false },
};
const worlds = fc.record({
  card: fc.constantFrom(...CARDS),
  country: fc.constantFrom("DE", "FR", "US"),
  dunning: fc.constantFrom(
    { retryDays: [1, 3], finally: "cancel" },
    { retryDays: [], finally: "cancel" },
    { retryDays: [2], finally: "unpaid" },
  ),
});

type Asked = readonly [path: string, body?: unknown, method?: string];
/** What is asked for of the customer, or of something that the customer has. */
type Deed = { often: number; of?: Kind; ask(id: string, it: Drawn): Asked };

const reason = "Sorry";
const to = (of: Kind, often: number, ask: Deed["ask"]): Deed => ({ often, of, ask });
const end =
  (at: string): Deed["ask"] =>
  (id) => [`/v1/subscriptions/${id}/cancel`, { at }];
const close =
  (outcome: string): Deed["ask"] =>
  (id) => [`/sandbox/disputes/${id}/close`, { outcome }];
const DEEDS: Record<string, Deed> = {
  subscribe: {
    often: 4,
    ask: (customerId, it) => {
      const couponCode = COUPONS[it.coupon]?.code;
      return ["/v1/subscriptions", { customerId, couponCode, ...termsOf(it) }];
    },
  },
  invoice: {
    often: 2,
    ask: (customerId, { amount = 500 }) => {
      const lines = [{ description: "Work", unitAmount: amount }];
      return ["/v1/invoices", { customerId, lines, finalize: true }];
    },
  },
  "add card": {
    often: 3,
    ask: (id, it) => {
      const card = { number: numberOf(it.card), expMonth: 12, expYear: 2090, cvc: "123" };
      return [`/v1/customers/${id}/payment-methods`, { card }];
    },
  },
  "choose card": to("payment_methods", 3, (id) => [
    `/v1/payment-methods/${id}/default`,
    undefined,
    "PUT",
  ]),
  change: to("subscriptions", 6, (id, it) => [`/v1/subscriptions/${id}`, termsOf(it), "PATCH"]),
  end: to("subscriptions", 3, end("now")),
  "end later": to("subscriptions", 1, end("period_end")),
  pay: to("invoices", 3, (id) => [`/v1/invoices/${id}/pay`, {}]),
  void: to("invoices", 2, (id) => [`/v1/invoices/${id}/void`]),
  "write off": to("invoices", 1, (id) => [`/v1/invoices/${id}/write-off`]),
  credit: to("invoices", 3, (invoiceId, { amount }) => [
    "/v1/credit-notes",
    { invoiceId, reason, amount },
  ]),
  refund: to("payments", 3, (paymentId, { amount }) => [
    "/v1/refunds",
    { paymentId, reason, amount },
  ]),
  confirm: to("payments", 1, (id) => [`/v1/payments/${id}/confirm`]),
  dispute: to("payments", 3, (id, { amount }) => [`/sandbox/payments/${id}/dispute`, { amount }]),
  reverse: to("payments", 1, (id) => [`/sandbox/payments/${id}/reverse`]),
  accept: to("disputes", 1, (id) => [`/v1/disputes/${id}/accept`]),
  win: to("disputes", 2, close("won")),
  lose: to("disputes", 2, close("lost")),
};

const drawn = fc.record({
  do: fc.constantFrom(
    ...Object.entries(DEEDS).flatMap(([name, { often }]) =>
      Array.from({ length: often }, () => name),
    ),
  ),
  /** Of those that there are, the newest first. */
  nth: fc.nat({ max: 3 }),
  /** That pass afterwards; null: not even what was promised is done. */
  days: fc.constantFrom(null, null, null, 0, 0, 0, 0, 1, 3, 8, 16, 40, 400),
  priceId: fc.nat({ max: PRICES.length - 1 }),
  quantity: fc.integer({ min: 1, max: 3 }),
  coupon: fc.nat({ max: 5 }),
  amount: fc.option(fc.integer({ min: 1, max: 1_500 }), { nil: undefined, freq: 2 }),
  card: fc.constantFrom(...CARDS),
});
type Drawn = Omit<typeof drawn extends fc.Arbitrary<infer Value> ? Value : never, "priceId"> & {
  priceId: string;
};
const termsOf = ({ priceId, quantity }: Drawn) => ({ priceId, quantity });

test(
  "whatever is done in whatever order, nobody gets more in service and money than was paid",
  { timeout: 60_000 + RUNS * 10_000 },
  async () => {
    // Nothing comes by time, as each run turns the clock back.
    await using money = await testMoney({ limit: { burst: 1e9, perSecond: 0 } });
    const prices = await addCatalog(money);
    const steps = fc.array(drawn, { minLength: 6, maxLength: 14, size: "max" });
    await fc.assert(
      fc.asyncProperty(worlds, steps, async ({ country, dunning, card }, all) => {
        const { clock, database } = money.service;
        clock.now = START_MS;
        await put(money, "/v1/dunning-policy", dunning);
        const books = await watchBooks(money, await money.customer({ country }));
        await money.addCard(books.customerId, card);
        for (const [index, it] of all.entries()) {
          const deed = index === 0 ? "subscribe" : it.do;
          await does(money, books, { ...it, do: deed, priceId: prices[it.priceId] ?? "" });
          if (it.days !== null) await wait(money, books, it.days);
        }
        await wait(money, books, 10);
        // What is left to be done is not for the next run.
        await database.query("DELETE FROM jobs");
      }),
      // To try every shorter way to a failure takes far longer than to read this one.
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  },
);

const put = (money: TestMoney, path: string, body: object) =>
  money.ask("PUT", path, { body, headers: { "if-match": "*" } });

async function addCatalog(money: TestMoney): Promise<string[]> {
  for (const [country, body] of Object.entries(TAXES)) {
    await put(money, `/v1/tax-rates/${country}`, body);
  }
  for (const body of COUPONS) await money.ask("POST", "/v1/coupons", { body });
  const planId = await money.plan();
  return Promise.all(PRICES.map((it) => money.price({ planId, ...it })));
}

/** One step, a minute after the one before. What the rules refuse is refused, and changes nothing. */
async function does(money: TestMoney, books: Watched, it: Drawn): Promise<void> {
  const { clock } = money.service;
  books.serve(clock.now + MINUTE_MS);
  clock.now += MINUTE_MS;
  const deed = DEEDS[it.do];
  const id = deed?.of === undefined ? books.customerId : await books.nth(deed.of, it.nth);
  if (deed === undefined || id === undefined) return;
  const [path, body, method = "POST"] = deed.ask(id, it);
  const headers = { "if-match": "*", "idempotency-key": randomUUID() };
  const { status, text } = await money.send(method, path, { body, headers });
  expect([200, 201, 202, 409, 422], `${it.do}: ${text}`).toContain(status);
  await books.check(it.do);
}

/** The clock goes from one thing that is due to the next. */
async function wait(money: TestMoney, books: Watched, days: number): Promise<void> {
  const { clock, database, runJobs } = money.service;
  const untilMs = clock.now + days * DAY_MS;
  for (let stops = 0; stops < STOPS_MAX; stops += 1) {
    await runJobs();
    await books.check("what was due");
    const [row] = await database.query("SELECT min(run_at) AS next FROM jobs");
    const nextMs = Math.min(Number(row?.["next"] ?? Infinity), untilMs);
    if (clock.now >= untilMs) return;
    books.serve(nextMs);
    clock.now = nextMs;
  }
}
