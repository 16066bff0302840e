import * as fc from "fast-check";

import type { FeedEvent } from "../domain/events.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2025, 11, 29, 22);
const CURRENCIES = ["EUR", "EUR", "USD", "JPY"];

type Payment = { paymentId: string; invoiceId: string; open: string[] };
/** State from which the events of one customer are generated. */
type State = {
  /** Unique for every action. */
  n: number;
  customer: { customerId: string; currency: string };
  subscriptionId: string;
  amount: number;
  invoices: string[];
  /** Payments that succeeded and did not fail afterwards. */
  paid: Payment[];
  emit(type: string, data: Record<string, unknown>): void;
};

const subscribe =
  (outcome: string) =>
  ({ customer, subscriptionId, amount, emit }: State): void =>
    emit(`billing.subscription.${outcome}`, {
      ...customer,
      subscriptionId,
      planId: `plan ${amount}`,
      priceId: "price",
      status: outcome,
      mrr: outcome === "canceled" ? 0 : amount,
    });

const emitInvoice = ({ customer, emit }: State, invoiceId: string, outcome: string): void =>
  emit(`billing.invoice.${outcome}`, {
    ...customer,
    invoiceId,
    number: null,
    subscriptionId: invoiceId.split("/")[1],
    subtotal: 1_000,
    discount: 0,
    tax: 19,
    total: 1_019,
  });

function pay(state: State, outcome: "succeeded" | "failed"): void {
  const { customer, n, amount, invoices, paid, emit } = state;
  const invoiceId = invoices.at(-1);
  if (invoiceId === undefined) return;
  const payment = { paymentId: `p${n}`, invoiceId, open: [] };
  const { open: _, ...data } = payment;
  emit(`billing.payment.${outcome}`, { ...customer, ...data, amount: amount + 1_000 });
  if (outcome === "failed") return;
  paid.push(payment);
  emitInvoice(state, invoiceId, "paid");
}

function decide({ customer, paid, amount, emit }: State, outcome: "won" | "lost"): void {
  const payment = paid.findLast(({ open }) => open.length > 0);
  if (payment === undefined) return;
  const { paymentId, open } = payment;
  const dispute = { disputeId: open.pop(), paymentId, amount, fee: 15 };
  emit(`billing.dispute.${outcome}`, { ...customer, ...dispute });
}

/** An impossible action, such as a refund without a payment, generates no event. */
const ACTIONS = {
  subscribe: subscribe("changed"),
  cancel: subscribe("canceled"),
  invoice(state) {
    const invoiceId = `i${state.n}/${state.subscriptionId}`;
    state.invoices.push(invoiceId);
    emitInvoice(state, invoiceId, "finalized");
  },
  pay: (state) => pay(state, "succeeded"),
  fail: (state) => pay(state, "failed"),
  reverse(state) {
    const payment = state.paid.pop();
    if (payment === undefined) return;
    const { paymentId, invoiceId } = payment;
    state.emit("billing.payment.failed", {
      ...state.customer,
      paymentId,
      invoiceId,
      amount: state.amount,
    });
    emitInvoice(state, invoiceId, "reopened");
  },
  refund({ customer, paid, n, amount, emit }) {
    const paymentId = paid.at(-1)?.paymentId ?? "unknown";
    emit("billing.refund.succeeded", { ...customer, refundId: `r${n}`, paymentId, amount });
  },
  dispute({ customer, paid, n, amount, emit }) {
    const payment = paid.at(-1);
    if (payment === undefined) return;
    const { paymentId, open } = payment;
    open.push(`d${n}`);
    const dispute = { disputeId: `d${n}`, paymentId, amount, fee: 15 };
    emit("billing.dispute.opened", { ...customer, ...dispute });
  },
  win: (state) => decide(state, "won"),
  lose: (state) => decide(state, "lost"),
  signUp: ({ emit, n }) => emit("accounts.account.created", { accountId: `a${n}` }),
  signIn: ({ emit, n }) => emit("accounts.session.started", { accountId: `a${n}` }),
  signOut: ({ emit, n }) => emit("accounts.session.ended", { accountId: `a${n}` }),
} satisfies Record<string, (state: State) => void>;

const step = fc.record({
  pause: fc.oneof(
    fc.constantFrom("none" as const, "to midnight" as const),
    fc.integer({ min: 0, max: 3 * DAY_MS }),
  ),
  /** How much earlier its timestamp is, since the clocks of machines differ. */
  earlierMs: fc.constantFrom(0, 0, 1, 5_000),
  who: fc.integer({ min: 0, max: CURRENCIES.length - 1 }),
  which: fc.integer({ min: 0, max: 1 }),
  amount: fc.constantFrom(0, 1, 999, 5_000),
  action: fc.constantFrom(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a literal
    ...(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]),
    "subscribe" as const,
  ),
});
type Step = typeof step extends fc.Arbitrary<infer It> ? It : never;

/** The events of Billing and Accounts over some months, in the order of the feed. */
export const histories: fc.Arbitrary<FeedEvent[]> = fc
  .array(step, { maxLength: 200, size: "max" })
  .map(historyOf);

function historyOf(steps: readonly Step[]): FeedEvent[] {
  const events: FeedEvent[] = [];
  const invoices = CURRENCIES.map((): string[] => []);
  const paid = CURRENCIES.map((): Payment[] => []);
  let atMs = START_MS;
  for (const [n, { pause, earlierMs, who, which, amount, action }] of steps.entries()) {
    if (pause === "to midnight") atMs = (Math.floor(atMs / DAY_MS) + 1) * DAY_MS;
    else atMs += pause === "none" ? 0 : pause;
    const at = new Date(atMs - earlierMs).toISOString();
    ACTIONS[action]({
      n,
      customer: { customerId: `c${who}`, currency: CURRENCIES[who] ?? "" },
      subscriptionId: `s${who}.${which}`,
      amount,
      invoices: invoices[who] ?? [],
      paid: paid[who] ?? [],
      emit: (type, data) => void events.push({ id: String(events.length + 1), type, at, data }),
    });
  }
  return events;
}

export type ReportParams = {
  /** `2026-01-31` */
  from: string;
  to: string;
  step: "day" | "week" | "month";
  currency: string | undefined;
  by: "none" | "plan";
};

const dayText = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
export const reportParams: fc.Arbitrary<ReportParams> = fc
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
