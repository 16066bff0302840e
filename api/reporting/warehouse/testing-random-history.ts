import * as fc from "fast-check";

import type { FeedEvent } from "../domain/events.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2025, 11, 29, 22);
const CURRENCIES = ["EUR", "EUR", "USD", "JPY"];

type Payment = { paymentId: string; invoiceId: string; open: string[] };
/** What the deeds of one customer are told from. */
type Scene = {
  /** Different for every deed. */
  n: number;
  customer: { customerId: string; currency: string };
  subscriptionId: string;
  amount: number;
  invoices: string[];
  /** Those that succeeded, and did not fail afterwards. */
  paid: Payment[];
  say(type: string, data: Record<string, unknown>): void;
};

const subscribe =
  (happened: string) =>
  ({ customer, subscriptionId, amount, say }: Scene): void =>
    say(`billing.subscription.${happened}`, {
      ...customer,
      subscriptionId,
      planId: `plan ${amount}`,
      priceId: "price",
      status: happened,
      mrr: happened === "canceled" ? 0 : amount,
    });

const tellInvoice = ({ customer, say }: Scene, invoiceId: string, happened: string): void =>
  say(`billing.invoice.${happened}`, {
    ...customer,
    invoiceId,
    number: null,
    subscriptionId: invoiceId.split("/")[1],
    subtotal: 1_000,
    discount: 0,
    tax: 19,
    total: 1_019,
  });

function pay(scene: Scene, happened: "succeeded" | "failed"): void {
  const { customer, n, amount, invoices, paid, say } = scene;
  const invoiceId = invoices.at(-1);
  if (invoiceId === undefined) return;
  const payment = { paymentId: `p${n}`, invoiceId, open: [] };
  const { open: _, ...data } = payment;
  say(`billing.payment.${happened}`, { ...customer, ...data, amount: amount + 1_000 });
  if (happened === "failed") return;
  paid.push(payment);
  tellInvoice(scene, invoiceId, "paid");
}

function decide({ customer, paid, amount, say }: Scene, outcome: "won" | "lost"): void {
  const payment = paid.findLast(({ open }) => open.length > 0);
  if (payment === undefined) return;
  const { paymentId, open } = payment;
  const dispute = { disputeId: open.pop(), paymentId, amount, fee: 15 };
  say(`billing.dispute.${outcome}`, { ...customer, ...dispute });
}

/** A deed that cannot be, such as a refund of nothing, tells nothing. */
const DEEDS = {
  subscribe: subscribe("changed"),
  cancel: subscribe("canceled"),
  invoice(scene) {
    const invoiceId = `i${scene.n}/${scene.subscriptionId}`;
    scene.invoices.push(invoiceId);
    tellInvoice(scene, invoiceId, "finalized");
  },
  pay: (scene) => pay(scene, "succeeded"),
  fail: (scene) => pay(scene, "failed"),
  reverse(scene) {
    const payment = scene.paid.pop();
    if (payment === undefined) return;
    const { paymentId, invoiceId } = payment;
    scene.say("billing.payment.failed", {
      ...scene.customer,
      paymentId,
      invoiceId,
      amount: scene.amount,
    });
    tellInvoice(scene, invoiceId, "reopened");
  },
  refund({ customer, paid, n, amount, say }) {
    const paymentId = paid.at(-1)?.paymentId ?? "of another time";
    say("billing.refund.succeeded", { ...customer, refundId: `r${n}`, paymentId, amount });
  },
  dispute({ customer, paid, n, amount, say }) {
    const payment = paid.at(-1);
    if (payment === undefined) return;
    const { paymentId, open } = payment;
    open.push(`d${n}`);
    const dispute = { disputeId: `d${n}`, paymentId, amount, fee: 15 };
    say("billing.dispute.opened", { ...customer, ...dispute });
  },
  win: (scene) => decide(scene, "won"),
  lose: (scene) => decide(scene, "lost"),
  signUp: ({ say, n }) => say("accounts.account.created", { accountId: `a${n}` }),
  signIn: ({ say, n }) => say("accounts.session.started", { accountId: `a${n}` }),
  signOut: ({ say, n }) => say("accounts.session.ended", { accountId: `a${n}` }),
} satisfies Record<string, (scene: Scene) => void>;

const act = fc.record({
  pause: fc.oneof(
    fc.constantFrom("none" as const, "to midnight" as const),
    fc.integer({ min: 0, max: 3 * DAY_MS }),
  ),
  /** So much earlier it says that it happened: clocks of several machines differ. */
  earlierMs: fc.constantFrom(0, 0, 1, 5_000),
  who: fc.integer({ min: 0, max: CURRENCIES.length - 1 }),
  which: fc.integer({ min: 0, max: 1 }),
  amount: fc.constantFrom(0, 1, 999, 5_000),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a literal
  deed: fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[]), "subscribe" as const),
});
type Act = typeof act extends fc.Arbitrary<infer It> ? It : never;

/** What the feeds of Billing and Accounts tell of some months, in the order in which it was decided. */
export const histories: fc.Arbitrary<FeedEvent[]> = fc
  .array(act, { maxLength: 200, size: "max" })
  .map(historyOf);

function historyOf(acts: readonly Act[]): FeedEvent[] {
  const events: FeedEvent[] = [];
  const invoices = CURRENCIES.map((): string[] => []);
  const paid = CURRENCIES.map((): Payment[] => []);
  let atMs = START_MS;
  for (const [n, { pause, earlierMs, who, which, amount, deed }] of acts.entries()) {
    if (pause === "to midnight") atMs = (Math.floor(atMs / DAY_MS) + 1) * DAY_MS;
    else atMs += pause === "none" ? 0 : pause;
    const at = new Date(atMs - earlierMs).toISOString();
    DEEDS[deed]({
      n,
      customer: { customerId: `c${who}`, currency: CURRENCIES[who] ?? "" },
      subscriptionId: `s${who}.${which}`,
      amount,
      invoices: invoices[who] ?? [],
      paid: paid[who] ?? [],
      say: (type, data) => void events.push({ id: String(events.length + 1), type, at, data }),
    });
  }
  return events;
}

export type Question = {
  /** `2026-01-31` */
  from: string;
  to: string;
  step: "day" | "week" | "month";
  currency: string | undefined;
  by: "none" | "plan";
};

const dayText = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
export const questions: fc.Arbitrary<Question> = fc
  .record({
    first: fc.integer({ min: -20, max: 150 }),
    days: fc.integer({ min: 1, max: 130 }),
    step: fc.constantFrom("day" as const, "week" as const, "month" as const),
    currency: fc.constantFrom(undefined, undefined, "EUR", "USD"),
    by: fc.constantFrom("none" as const, "plan" as const),
  })
  .map(({ first, days, ...rest }) => ({
    from: dayText(START_MS + first * DAY_MS),
    to: dayText(START_MS + (first + days) * DAY_MS),
    ...rest,
  }));
