import { bucketOf } from "#pipeline/sketches/latency-sketch.ts";

import { type FeedEvent, factOf } from "../domain/events.ts";
import { type FactBatch, type FactRow, batchByDay } from "../domain/facts.ts";

/** A small history written by hand, with the expected result of every report. */
type HistoryEvent = [type: string, at: string, data: Record<string, unknown>];

const eur = { currency: "EUR" };
const usd = { currency: "USD" };
const subscription = (id: string, customer: string, [plan, mrr]: [string, number]) => ({
  subscriptionId: id,
  customerId: customer,
  planId: plan,
  priceId: `price_${plan}`,
  status: mrr === 0 ? "canceled" : "active",
  mrr,
});
const invoice = (id: string, of: [string, string], sums: [number, number]) => ({
  invoiceId: id,
  number: id.toUpperCase(),
  customerId: of[0],
  subscriptionId: of[1],
  subtotal: sums[0],
  discount: 0,
  tax: sums[1],
  total: sums[0] + sums[1],
});
const payment = (id: string, of: [string, string], amount: number) => ({
  paymentId: id,
  invoiceId: of[1],
  customerId: of[0],
  amount,
});
const dispute = (id: string, of: [string, string], amount: number) => ({
  disputeId: id,
  paymentId: of[1],
  customerId: of[0],
  amount,
  fee: 1_500,
});

const BILLING: HistoryEvent[] = [
  [
    "subscription.created",
    "2026-01-05T09:00:00Z",
    { ...subscription("s1", "ann", ["basic", 1_000]), ...eur },
  ],
  [
    "invoice.finalized",
    "2026-01-05T09:00:00Z",
    { ...invoice("i1", ["ann", "s1"], [1_000, 190]), ...eur },
  ],
  ["payment.succeeded", "2026-01-05T09:00:01Z", { ...payment("p1", ["ann", "i1"], 1_190), ...eur }],
  [
    "invoice.paid",
    "2026-01-05T09:00:01Z",
    { ...invoice("i1", ["ann", "s1"], [1_000, 190]), ...eur },
  ],
  [
    "subscription.created",
    "2026-01-10T09:00:00Z",
    { ...subscription("s2", "bob", ["pro", 5_000]), ...eur },
  ],
  [
    "invoice.finalized",
    "2026-01-10T09:00:00Z",
    { ...invoice("i2", ["bob", "s2"], [5_000, 950]), ...eur },
  ],
  ["payment.succeeded", "2026-01-10T09:00:01Z", { ...payment("p2", ["bob", "i2"], 5_950), ...eur }],
  [
    "invoice.paid",
    "2026-01-10T09:00:01Z",
    { ...invoice("i2", ["bob", "s2"], [5_000, 950]), ...eur },
  ],
  [
    "subscription.created",
    "2026-01-20T09:00:00Z",
    { ...subscription("s3", "dan", ["pro", 6_000]), ...usd },
  ],
  [
    "invoice.finalized",
    "2026-01-20T09:00:00Z",
    { ...invoice("i3", ["dan", "s3"], [6_000, 0]), ...usd },
  ],
  ["payment.succeeded", "2026-01-20T09:00:01Z", { ...payment("p3", ["dan", "i3"], 6_000), ...usd }],
  ["invoice.paid", "2026-01-20T09:00:01Z", { ...invoice("i3", ["dan", "s3"], [6_000, 0]), ...usd }],
  [
    "subscription.changed",
    "2026-02-03T09:00:00Z",
    { ...subscription("s1", "ann", ["pro", 5_000]), ...eur },
  ],
  [
    "refund.succeeded",
    "2026-02-03T10:00:00Z",
    { refundId: "r1", paymentId: "p1", customerId: "ann", amount: 190, ...eur },
  ],
  ["dispute.opened", "2026-02-10T09:00:00Z", { ...dispute("d1", ["bob", "p2"], 5_950), ...eur }],
  [
    "subscription.canceled",
    "2026-02-15T09:00:00Z",
    { ...subscription("s2", "bob", ["pro", 0]), ...eur },
  ],
  ["dispute.opened", "2026-02-20T09:00:00Z", { ...dispute("d2", ["dan", "p3"], 6_000), ...usd }],
  ["dispute.won", "2026-03-01T00:00:00Z", { ...dispute("d2", ["dan", "p3"], 6_000), ...usd }],
  ["dispute.lost", "2026-03-02T09:00:00Z", { ...dispute("d1", ["bob", "p2"], 5_950), ...eur }],
  [
    "subscription.changed",
    "2026-03-05T09:00:00Z",
    { ...subscription("s1", "ann", ["basic", 1_000]), ...eur },
  ],
  [
    "subscription.created",
    "2026-03-10T09:00:00Z",
    { ...subscription("s4", "bob", ["basic", 1_000]), ...eur },
  ],
  [
    "invoice.finalized",
    "2026-03-10T09:00:00Z",
    { ...invoice("i4", ["bob", "s4"], [1_000, 190]), ...eur },
  ],
  [
    "payment.failed",
    "2026-03-10T09:00:01Z",
    { ...payment("p4", ["bob", "i4"], 1_190), reason: "declined", ...eur },
  ],
  ["payment.succeeded", "2026-03-11T09:00:00Z", { ...payment("p5", ["bob", "i4"], 1_190), ...eur }],
  [
    "invoice.paid",
    "2026-03-11T09:00:00Z",
    { ...invoice("i4", ["bob", "s4"], [1_000, 190]), ...eur },
  ],
  [
    "payment.failed",
    "2026-03-12T09:00:00Z",
    { ...payment("p5", ["bob", "i4"], 1_190), reason: "late", ...eur },
  ],
  [
    "subscription.created",
    "2026-03-31T23:59:59.999Z",
    { ...subscription("s5", "cat", ["basic", 1_000]), ...eur },
  ],
];

const ACCOUNTS: HistoryEvent[] = [
  ["account.created", "2025-12-31T23:30:00Z", { accountId: "acc_1" }],
  ["account.created", "2026-01-05T08:00:00Z", { accountId: "acc_2" }],
  [
    "session.started",
    "2026-01-05T10:10:00Z",
    { accountId: "acc_1", sessionId: "ses_1", method: "password" },
  ],
  [
    "session.started",
    "2026-01-05T10:50:00Z",
    { accountId: "acc_2", sessionId: "ses_2", method: "passkey" },
  ],
  [
    "session.ended",
    "2026-01-05T11:05:00Z",
    { accountId: "acc_1", sessionId: "ses_1", reason: "sign-out" },
  ],
  ["account.created", "2026-02-01T00:00:00Z", { accountId: "acc_3" }],
];

const feedOf = (source: string, events: readonly HistoryEvent[]): FeedEvent[] =>
  events.map(([type, at, data], index) => ({
    id: String(index + 1),
    type: `${source}.${type}`,
    at: new Date(at).toISOString(),
    data,
  }));

export const GOLDEN_FEEDS = {
  billing: feedOf("billing", BILLING),
  accounts: feedOf("accounts", ACCOUNTS),
};

const requests = (
  hour: number,
  release: string,
  [ms, count, errors]: [number | null, number, number],
): FactRow => ({
  day: "2026-01-05",
  happened_at: Date.UTC(2026, 0, 5, hour),
  service: "billing",
  release,
  bucket: ms === null ? null : bucketOf(ms),
  requests: count,
  errors,
});

export const GOLDEN_REQUESTS: FactRow[] = [
  requests(10, "1.0.0", [10, 90, 0]),
  requests(10, "1.0.0", [200, 10, 0]),
  requests(10, "1.0.0", [null, 0, 5]),
  requests(11, "1.1.0", [20, 50, 0]),
];

/** Events of both feeds as rows of tables, each table as one file. */
export function batchesOf(events: readonly FeedEvent[]): FactBatch[] {
  const rows = events.map((event) => {
    const source = event.type.startsWith("billing.") ? "billing" : "accounts";
    return factOf(source, event, (id) => `hash of ${id}`);
  });
  const days = batchByDay(rows.filter((it) => it.kind === "fact"));
  return [...new Set(days.map(({ fact }) => fact))].map((fact): FactBatch => {
    const mine = days.filter((it) => it.fact === fact);
    return { fact, day: mine[0]?.day ?? "", rows: mine.flatMap((it) => it.rows) };
  });
}

/** The whole history with its requests. */
export function goldenBatches(): FactBatch[] {
  const facts = batchesOf([...GOLDEN_FEEDS.billing, ...GOLDEN_FEEDS.accounts]);
  return [...facts, { fact: "requests", day: "2026-01-05", rows: GOLDEN_REQUESTS }];
}
