import type { FeedEvent } from "../domain/events.ts";
import type { ReportParams } from "./testing-random-history.ts";

/**
 * Reference implementation of the reports: plain loops over the events, without SQL, buckets or code under test. Rows
 * equal those of the real report, with integers as bigint.
 */
type Cell = string | bigint | null;
type Data = Record<string, string | number | null>;
type HistoryEvent = { seq: number; at: number; type: string; data: Data };

const DAY = 86_400_000;
const historyEvents = (events: readonly FeedEvent[]): HistoryEvent[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- events of the tests
  events.map((it) => ({ ...it, seq: Number(it.id), at: Date.parse(it.at), data: it.data as Data }));
const big = (it: unknown): bigint => BigInt(Number(it ?? 0));
const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The first day of the step of a day, found by stepping back. */
function stepOf(step: ReportParams["step"], at: number): string {
  let day = Math.floor(at / DAY) * DAY;
  if (step === "week") while (new Date(day).getUTCDay() !== 1) day -= DAY;
  if (step === "month") while (new Date(day).getUTCDate() !== 1) day -= DAY;
  return dayText(day);
}

/** All steps of the range, found by stepping through its days. */
function stepsOf({ from, to, step }: ReportParams): string[] {
  const steps = new Set<string>();
  for (let day = Date.parse(from); day < Date.parse(to); day += DAY) steps.add(stepOf(step, day));
  return [...steps];
}

const isIn = ({ from, to }: ReportParams, at: number): boolean =>
  at >= Date.parse(from) && at < Date.parse(to);

/** Movements of money, with the plan paid for. */
function moneyOf(events: readonly HistoryEvent[]) {
  const moves: {
    at: number;
    currency: string;
    plan: string | null;
    what: string;
    amount: bigint;
  }[] = [];
  const invoiceOf = new Map<unknown, unknown>();
  for (const { type, data, at } of events) {
    const add = (what: string, amount: bigint, invoiceId: unknown): void =>
      void moves.push({
        at,
        currency: String(data["currency"]),
        plan: planOf(events, invoiceId),
        what,
        amount,
      });
    const amount = big(data["amount"]);
    const invoice = invoiceOf.get(data["paymentId"]);
    if (type === "billing.payment.succeeded") {
      invoiceOf.set(data["paymentId"], data["invoiceId"]);
      add("payment", amount, data["invoiceId"]);
    } else if (type === "billing.payment.failed" && invoiceOf.has(data["paymentId"])) {
      add("reversal", amount, data["invoiceId"]);
    } else if (type === "billing.invoice.paid") add("tax", big(data["tax"]), data["invoiceId"]);
    else if (type === "billing.invoice.reopened") add("tax", -big(data["tax"]), data["invoiceId"]);
    else if (type === "billing.refund.succeeded") add("refund", amount, invoice);
    else if (type === "billing.dispute.opened") add("opened", amount, invoice);
    else if (type === "billing.dispute.won") add("won", amount, invoice);
  }
  return moves;
}

/** The plan of an invoice's subscription when the invoice was issued. */
function planOf(events: readonly HistoryEvent[], invoiceId: unknown): string | null {
  const written = events.find(
    ({ type, data }) => type === "billing.invoice.finalized" && data["invoiceId"] === invoiceId,
  );
  if (written === undefined) return null;
  let plan: string | null = null;
  for (const { type, data, at } of events)
    if (
      type.startsWith("billing.subscription.") &&
      data["subscriptionId"] === written.data["subscriptionId"] &&
      at <= written.at
    )
      plan = String(data["planId"]);
  return plan;
}

function revenueOf(history: readonly FeedEvent[], params: ReportParams): Cell[][] {
  const moves = moneyOf(historyEvents(history))
    .filter(({ at, currency }) => isIn(params, at) && currency === (params.currency ?? currency))
    .map((it) => ({ ...it, plan: params.by === "plan" ? it.plan : null }));
  const groups = new Map(moves.map((it) => [JSON.stringify([it.currency, it.plan]), it]));
  return stepsOf(params).flatMap((step) =>
    [...groups.values()].map(({ currency, plan }) => {
      const mine = moves
        .filter((it) => it.currency === currency && it.plan === plan)
        .filter(({ at }) => stepOf(params.step, at) === step);
      const of = (what: string) => mine.filter((it) => it.what === what);
      const sum = (what: string): bigint =>
        of(what).reduce((total, { amount }) => total + amount, 0n);
      const payments = big(of("payment").length - of("reversal").length);
      const gross = sum("payment") - sum("reversal");
      const chargebacks = sum("opened") - sum("won");
      const net = gross - sum("refund") - chargebacks;
      return [step, currency, plan, payments, gross, sum("tax"), sum("refund"), chargebacks, net];
    }),
  );
}

/** The monthly revenue of each customer at each change; a change never counts before its predecessor. */
function changesOf(events: readonly HistoryEvent[], currency: string) {
  const subscriptions = new Map<string, Map<unknown, bigint>>();
  const latest = new Map<string, number>();
  const changes: { customer: string; at: number; before: bigint; after: bigint }[] = [];
  for (const { type, data, at } of events.toSorted((a, b) => a.seq - b.seq)) {
    if (!type.startsWith("billing.subscription.") || data["currency"] !== currency) continue;
    const customer = String(data["customerId"]);
    const mine = subscriptions.get(customer) ?? new Map<unknown, bigint>();
    subscriptions.set(customer, mine);
    const total = (): bigint => [...mine.values()].reduce((sum, mrr) => sum + mrr, 0n);
    const before = total();
    mine.set(data["subscriptionId"], big(data["mrr"]));
    latest.set(customer, Math.max(latest.get(customer) ?? 0, at));
    changes.push({ customer, at: latest.get(customer) ?? at, before, after: total() });
  }
  return changes;
}

const currenciesOf = (events: readonly HistoryEvent[], { to, currency }: ReportParams): string[] =>
  [
    ...new Set(
      events
        .filter(({ type, at }) => type.startsWith("billing.subscription.") && at < Date.parse(to))
        .map(({ data }) => String(data["currency"])),
    ),
  ]
    .filter((it) => it === (currency ?? it))
    .toSorted();

function mrrOf(history: readonly FeedEvent[], params: ReportParams): Cell[][] {
  const events = historyEvents(history);
  return currenciesOf(events, params).flatMap((currency) => {
    const ever = new Set<string>();
    const sums = new Map<string, bigint>();
    let opening = 0n;
    let hasChanges = false;
    for (const { customer, at, before, after } of changesOf(events, currency)) {
      const isKnown = ever.has(customer);
      if (after > 0n) ever.add(customer);
      if (at >= Date.parse(params.to) || after === before) continue;
      hasChanges = true;
      if (at < Date.parse(params.from)) opening += after - before;
      const key = `${stepOf(params.step, at)} ${movementOf(before, after, isKnown)}`;
      if (isIn(params, at)) sums.set(key, (sums.get(key) ?? 0n) + after - before);
    }
    return (hasChanges ? stepsOf(params) : []).map((step) => {
      const moved = ["new", "expansion", "contraction", "churned", "reactivation"].map(
        (movement) => sums.get(`${step} ${movement}`) ?? 0n,
      );
      const closing = moved.reduce((sum, it) => sum + it, opening);
      const row = [step, currency, opening, ...moved, closing];
      opening = closing;
      return row;
    });
  });
}

function movementOf(before: bigint, after: bigint, isKnown: boolean): string {
  if (before === 0n) return isKnown ? "reactivation" : "new";
  if (after === 0n) return "churned";
  return after > before ? "expansion" : "contraction";
}

/** The monthly revenue of each customer at a time. */
function revenueAt(changes: ReturnType<typeof changesOf>, atMs: number): Map<string, bigint> {
  const revenue = new Map<string, bigint>();
  for (const { customer, at, after } of changes) if (at < atMs) revenue.set(customer, after);
  return revenue;
}

const sixDigits = (part: bigint, whole: bigint): string | null =>
  whole === 0n ? null : (Number(part) / Number(whole)).toFixed(6);

function churnOf(history: readonly FeedEvent[], params: ReportParams): Cell[][] {
  const events = historyEvents(history);
  const steps = stepsOf(params);
  return currenciesOf(events, params).flatMap((currency) => {
    const changes = changesOf(events, currency);
    return steps.map((step, index) => {
      const ends = Math.min(Date.parse(steps[index + 1] ?? params.to), Date.parse(params.to));
      const end = revenueAt(changes, ends);
      const start = [...revenueAt(changes, Date.parse(step))].filter(([, mrr]) => mrr > 0n);
      const mrr = start.reduce((sum, [, it]) => sum + it, 0n);
      const lost = start.filter(([customer]) => end.get(customer) === 0n).length;
      const mrrLost = start
        .map(([customer, it]) => it - (end.get(customer) ?? 0n))
        .reduce((sum, it) => (it > 0n ? sum + it : sum), 0n);
      const share = sixDigits(big(lost), big(start.length));
      const cells = [big(start.length), big(lost), share, mrr, mrrLost, sixDigits(mrrLost, mrr)];
      return [step, currency, ...cells];
    });
  });
}

function signUpsOf(history: readonly FeedEvent[], params: ReportParams): Cell[][] {
  const made = historyEvents(history).filter(({ type }) => type === "accounts.account.created");
  const steps = stepsOf(params);
  return steps.map((step, index) => {
    const ends = index === steps.length - 1 ? params.to : (steps[index + 1] ?? "");
    const total = made.filter(({ at }) => at < Date.parse(ends)).length;
    const now = made.filter(
      ({ at }) => isIn(params, at) && stepOf(params.step, at) === step,
    ).length;
    return [step, big(now), big(total)];
  });
}

function turnoverOf(history: readonly FeedEvent[], params: ReportParams): Cell[][] {
  return stepsOf(params).map((step) => {
    const times = (type: string): bigint =>
      big(
        historyEvents(history).filter(
          (it) => it.type === type && isIn(params, it.at) && stepOf(params.step, it.at) === step,
        ).length,
      );
    const ins = times("accounts.session.started");
    const outs = times("accounts.session.ended");
    return [`${step}T00:00:00Z`, ins, outs, ins - outs];
  });
}

export const ORACLES = {
  revenue: revenueOf,
  mrr: mrrOf,
  churn: churnOf,
  "sign-ups": signUpsOf,
  turnover: turnoverOf,
};
