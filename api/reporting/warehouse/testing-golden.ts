import { bucketOf, valueOf } from "#pipeline/live/latency-sketch.ts";

import { type FeedEvent, factOf } from "../domain/events.ts";
import { type FactBatch, type FactRow, batchByDay } from "../domain/facts.ts";

/** A small history, by hand, and what every report must say of it. */
type Told = [type: string, at: string, data: Record<string, unknown>];

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

const BILLING: Told[] = [
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

const ACCOUNTS: Told[] = [
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

const feedOf = (source: string, told: readonly Told[]): FeedEvent[] =>
  told.map(([type, at, data], index) => ({
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

/** The whole history as rows of tables. */
export function goldenBatches(): FactBatch[] {
  const rows = (["billing", "accounts"] as const).flatMap((source) =>
    GOLDEN_FEEDS[source].map((event) => factOf(source, event, (id) => `hash of ${id}`)),
  );
  return [
    ...batchByDay(rows.filter((it) => it.kind === "fact")),
    { fact: "requests", day: "2026-01-05", rows: GOLDEN_REQUESTS },
  ];
}

const QUARTER = { from: "2026-01-01", to: "2026-04-01", step: "month" };
const [JAN, FEB, MAR] = ["2026-01-01", "2026-02-01", "2026-03-01"];
const ms = (it: number): string => valueOf(bucketOf(it)).toFixed(3);

/** Integers are written as numbers here. */
type Expected = {
  report: string;
  parameters: Record<string, string>;
  rows: (string | number | null)[][];
};

export const GOLDEN: readonly Expected[] = [
  {
    report: "revenue",
    parameters: QUARTER,
    rows: [
      [JAN, "EUR", null, 2, 7_140, 1_140, 0, 0, 7_140],
      [JAN, "USD", null, 1, 6_000, 0, 0, 0, 6_000],
      [FEB, "EUR", null, 0, 0, 0, 190, 5_950, -6_140],
      [FEB, "USD", null, 0, 0, 0, 0, 6_000, -6_000],
      [MAR, "EUR", null, 0, 0, 190, 0, 0, 0],
      [MAR, "USD", null, 0, 0, 0, 0, -6_000, 6_000],
    ],
  },
  {
    report: "revenue",
    parameters: { ...QUARTER, to: "2026-03-01", by: "plan", currency: "EUR" },
    rows: [
      [JAN, "EUR", "basic", 1, 1_190, 190, 0, 0, 1_190],
      [JAN, "EUR", "pro", 1, 5_950, 950, 0, 0, 5_950],
      [FEB, "EUR", "basic", 0, 0, 0, 190, 0, -190],
      [FEB, "EUR", "pro", 0, 0, 0, 0, 5_950, -5_950],
    ],
  },
  {
    report: "revenue",
    parameters: { from: "2026-01-07", to: "2026-01-13", step: "week", currency: "EUR" },
    rows: [
      ["2026-01-05", "EUR", null, 1, 5_950, 950, 0, 0, 5_950],
      ["2026-01-12", "EUR", null, 0, 0, 0, 0, 0, 0],
    ],
  },
  {
    report: "mrr",
    parameters: QUARTER,
    rows: [
      [JAN, "EUR", 0, 6_000, 0, 0, 0, 0, 6_000],
      [FEB, "EUR", 6_000, 0, 4_000, 0, -5_000, 0, 5_000],
      [MAR, "EUR", 5_000, 1_000, 0, -4_000, 0, 1_000, 3_000],
      [JAN, "USD", 0, 6_000, 0, 0, 0, 0, 6_000],
      [FEB, "USD", 6_000, 0, 0, 0, 0, 0, 6_000],
      [MAR, "USD", 6_000, 0, 0, 0, 0, 0, 6_000],
    ],
  },
  {
    report: "mrr",
    parameters: { from: "2026-03-01", to: "2026-04-01", step: "month", currency: "EUR" },
    rows: [[MAR, "EUR", 5_000, 1_000, 0, -4_000, 0, 1_000, 3_000]],
  },
  {
    report: "churn",
    parameters: { ...QUARTER, from: "2026-02-01" },
    rows: [
      [FEB, "EUR", 2, 1, "0.500000", 6_000, 5_000, "0.833333"],
      [MAR, "EUR", 1, 0, "0.000000", 5_000, 4_000, "0.800000"],
      [FEB, "USD", 1, 0, "0.000000", 6_000, 0, "0.000000"],
      [MAR, "USD", 1, 0, "0.000000", 6_000, 0, "0.000000"],
    ],
  },
  {
    report: "cohorts",
    parameters: { ...QUARTER, currency: "EUR" },
    rows: [
      [JAN, "EUR", JAN, 0, 2, 2, "1.000000", 6_000],
      [JAN, "EUR", FEB, 1, 2, 1, "0.500000", 5_000],
      [JAN, "EUR", MAR, 2, 2, 2, "1.000000", 2_000],
      [MAR, "EUR", MAR, 0, 1, 1, "1.000000", 1_000],
    ],
  },
  {
    report: "refunds-and-chargebacks",
    parameters: QUARTER,
    rows: [
      [JAN, "EUR", 2, 7_140, 0, 0, "0.000000", 0, 0, "0.000000", 0, 0, null, 0],
      [JAN, "USD", 1, 6_000, 0, 0, "0.000000", 0, 0, "0.000000", 0, 0, null, 0],
      [FEB, "EUR", 0, 0, 1, 190, null, 1, 5_950, null, 0, 0, null, 1_500],
      [FEB, "USD", 0, 0, 0, 0, null, 1, 6_000, null, 0, 0, null, 1_500],
      [MAR, "EUR", 0, 0, 0, 0, null, 0, 0, null, 0, 1, "0.000000", 0],
      [MAR, "USD", 0, 0, 0, 0, null, 0, 0, null, 1, 0, "1.000000", 0],
    ],
  },
  {
    report: "sign-ups",
    parameters: QUARTER,
    rows: [
      [JAN, 1, 2],
      [FEB, 1, 3],
      [MAR, 0, 3],
    ],
  },
  {
    report: "turnover",
    parameters: { from: "2026-01-05", to: "2026-01-07", step: "day" },
    rows: [
      ["2026-01-05T00:00:00Z", 2, 1, 1],
      ["2026-01-06T00:00:00Z", 0, 0, 0],
    ],
  },
  {
    report: "turnover",
    parameters: { from: "2026-01-05", to: "2026-01-06", step: "hour" },
    rows: Array.from({ length: 24 }, (_, hour) => {
      const at = `2026-01-05T${String(hour).padStart(2, "0")}:00:00Z`;
      if (hour === 10) return [at, 2, 0, 2];
      return hour === 11 ? [at, 0, 1, -1] : [at, 0, 0, 0];
    }),
  },
  {
    report: "response-time",
    parameters: { from: "2026-01-01", to: "2026-02-01" },
    rows: [
      [null, "billing", "1.0.0", 100, 5, "0.050000", ms(10), ms(200), ms(200)],
      [null, "billing", "1.1.0", 50, 0, "0.000000", ms(20), ms(20), ms(20)],
    ],
  },
  {
    report: "cost-per-request",
    parameters: { from: "2026-01-05", to: "2026-01-07", costPerDay: "1000", currency: "EUR" },
    rows: [
      ["2026-01-05T00:00:00Z", 150, "EUR", 1_000, "6.666667"],
      ["2026-01-06T00:00:00Z", 0, "EUR", 1_000, null],
    ],
  },
];
