import { randomUUID } from "node:crypto";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type CustomerMonitor, type Kind, monitorCustomer } from "./testing-invariants.ts";
import { type TestBilling, numberOf, testBilling } from "./testing.ts";

/** FUZZ_RUNS sets the number of runs; FUZZ_SEED repeats the runs of a failure, which prints it. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 12);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(performance.timeOrigin));
const START_MS = Date.parse("2027-01-30T00:00:00Z");
const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** Some cards cause a new charge every day without end. */
const WAIT_STEPS_MAX = 25;

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
const scenarios = fc.record({
  card: fc.constantFrom(...CARDS),
  country: fc.constantFrom("DE", "FR", "US"),
  dunning: fc.constantFrom(
    { retryDays: [1, 3], finally: "cancel" },
    { retryDays: [], finally: "cancel" },
    { retryDays: [2], finally: "unpaid" },
  ),
});

type Request = readonly [path: string, body?: unknown, method?: string];
/** `of`: the kind of record whose id is passed; without it the customer's. */
type Operation = { weight: number; of?: Kind; request(id: string, it: Step): Request };

const reason = "Sorry";
const on = (of: Kind, weight: number, request: Operation["request"]): Operation => ({
  weight,
  of,
  request,
});
const OPERATIONS: Record<string, Operation> = {
  subscribe: {
    weight: 4,
    request: (customerId, it) => {
      const couponCode = COUPONS[it.coupon]?.code;
      return ["/v1/subscriptions", { customerId, couponCode, ...termsOf(it) }];
    },
  },
  invoice: {
    weight: 2,
    request: (customerId, { amount = 500 }) => {
      const lines = [{ description: "Work", unitAmount: amount }];
      return ["/v1/invoices", { customerId, lines, finalize: true }];
    },
  },
  "add card": {
    weight: 3,
    request: (id, it) => {
      const card = { number: numberOf(it.card), expMonth: 12, expYear: 2090, cvc: "123" };
      return [`/v1/customers/${id}/payment-methods`, { card }];
    },
  },
  "choose card": on("payment_methods", 3, (id) => [
    `/v1/payment-methods/${id}/default`,
    undefined,
    "PUT",
  ]),
  change: on("subscriptions", 6, (id, it) => [`/v1/subscriptions/${id}`, termsOf(it), "PATCH"]),
  cancel: on("subscriptions", 3, (id) => [`/v1/subscriptions/${id}/cancel`, { at: "now" }]),
  "cancel later": on("subscriptions", 1, (id) => [
    `/v1/subscriptions/${id}/cancel`,
    { at: "period_end" },
  ]),
  pay: on("invoices", 3, (id) => [`/v1/invoices/${id}/pay`, {}]),
  void: on("invoices", 2, (id) => [`/v1/invoices/${id}/void`]),
  "write off": on("invoices", 1, (id) => [`/v1/invoices/${id}/write-off`]),
  credit: on("invoices", 3, (invoiceId, { amount }) => [
    "/v1/credit-notes",
    { invoiceId, reason, amount },
  ]),
  refund: on("payments", 3, (paymentId, { amount }) => [
    "/v1/refunds",
    { paymentId, reason, amount },
  ]),
  confirm: on("payments", 1, (id) => [`/v1/payments/${id}/confirm`]),
  dispute: on("payments", 3, (id, { amount }) => [`/sandbox/payments/${id}/dispute`, { amount }]),
  reverse: on("payments", 1, (id) => [`/sandbox/payments/${id}/reverse`]),
  accept: on("disputes", 1, (id) => [`/v1/disputes/${id}/accept`]),
  win: on("disputes", 2, (id) => [`/sandbox/disputes/${id}/close`, { outcome: "won" }]),
  lose: on("disputes", 2, (id) => [`/sandbox/disputes/${id}/close`, { outcome: "lost" }]),
};

const steps = fc.record({
  operation: fc.constantFrom(
    ...Object.entries(OPERATIONS).flatMap(([name, { weight }]) =>
      Array.from({ length: weight }, () => name),
    ),
  ),
  /** Which record, counted from the newest. */
  nth: fc.nat({ max: 3 }),
  /** Days that pass afterwards; null: not even due jobs run. */
  days: fc.constantFrom(null, null, null, 0, 0, 0, 0, 1, 3, 8, 16, 40, 400),
  priceId: fc.nat({ max: PRICES.length - 1 }),
  quantity: fc.integer({ min: 1, max: 3 }),
  coupon: fc.nat({ max: 5 }),
  amount: fc.option(fc.integer({ min: 1, max: 1_500 }), { nil: undefined, freq: 2 }),
  card: fc.constantFrom(...CARDS),
});
type Step = Omit<typeof steps extends fc.Arbitrary<infer Value> ? Value : never, "priceId"> & {
  priceId: string;
};
const termsOf = ({ priceId, quantity }: Step) => ({ priceId, quantity });

test(
  "no sequence of operations gives a customer more service and money than was paid for",
  { timeout: 60_000 + RUNS * 10_000 },
  async () => {
    // The limit does not refill, as each run turns the clock back.
    await using billing = await testBilling({ limit: { burst: 1e9, perSecond: 0 } });
    const prices = await addCatalog(billing);
    const sequences = fc.array(steps, { minLength: 6, maxLength: 14, size: "max" });
    await fc.assert(
      fc.asyncProperty(scenarios, sequences, async ({ country, dunning, card }, sequence) => {
        const { clock, database } = billing.service;
        clock.now = START_MS;
        await billing.put("/v1/dunning-policy", dunning);
        const monitor = await monitorCustomer(billing, await billing.customer({ country }));
        await billing.addCard(monitor.customerId, card);
        for (const [index, it] of sequence.entries()) {
          const operation = index === 0 ? "subscribe" : it.operation;
          await run(billing, monitor, { ...it, operation, priceId: prices[it.priceId] ?? "" });
          if (it.days !== null) await wait(billing, monitor, it.days);
        }
        await wait(billing, monitor, 10);
        await database.query("DELETE FROM jobs");
      }),
      // Shrinking would take far longer than reading the unshrunk sequence.
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  },
);

async function addCatalog(billing: TestBilling): Promise<string[]> {
  for (const [country, rate] of Object.entries(TAXES)) {
    await billing.put(`/v1/tax-rates/${country}`, rate);
  }
  for (const body of COUPONS) await billing.ask("POST", "/v1/coupons", { body });
  const planId = await billing.plan();
  return Promise.all(PRICES.map((it) => billing.price({ planId, ...it })));
}

/** Runs one operation, a minute after the one before. It may be refused by the rules. */
async function run(billing: TestBilling, monitor: CustomerMonitor, it: Step): Promise<void> {
  const { clock } = billing.service;
  monitor.serve(clock.now + MINUTE_MS);
  clock.now += MINUTE_MS;
  const operation = OPERATIONS[it.operation];
  const id = operation?.of ? await monitor.nth(operation.of, it.nth) : monitor.customerId;
  if (operation === undefined || id === undefined) return;
  const [path, body, method = "POST"] = operation.request(id, it);
  const headers = { "if-match": "*", "idempotency-key": randomUUID() };
  const { status, text } = await billing.send(method, path, { body, headers });
  expect([200, 201, 202, 409, 422], `${it.operation}: ${text}`).toContain(status);
  await monitor.check(it.operation);
}

/** Advances the clock from one due job to the next. */
async function wait(billing: TestBilling, monitor: CustomerMonitor, days: number): Promise<void> {
  const { clock, database, runJobs } = billing.service;
  const untilMs = clock.now + days * DAY_MS;
  for (let count = 0; count < WAIT_STEPS_MAX; count += 1) {
    await runJobs();
    await monitor.check("due jobs");
    const [row] = await database.query("SELECT min(run_at) AS next FROM jobs");
    const nextMs = Math.min(Number(row?.["next"] ?? Infinity), untilMs);
    if (clock.now >= untilMs) return;
    monitor.serve(nextMs);
    clock.now = nextMs;
  }
}
