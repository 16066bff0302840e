import { bucketOf, valueOf } from "#pipeline/sketches/latency-sketch.ts";

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
      [JAN, "EUR", 2, 7_140, 0, 0, "0.000000", 0, 0, "0.000000", 0, 0, 0, null, 0],
      [JAN, "USD", 1, 6_000, 0, 0, "0.000000", 0, 0, "0.000000", 0, 0, 0, null, 0],
      [FEB, "EUR", 0, 0, 1, 190, null, 1, 5_950, null, 0, 0, 0, null, 1_500],
      [FEB, "USD", 0, 0, 0, 0, null, 1, 6_000, null, 0, 0, 0, null, 1_500],
      [MAR, "EUR", 0, 0, 0, 0, null, 0, 0, null, 0, 1, 5_950, "0.000000", 0],
      [MAR, "USD", 0, 0, 0, 0, null, 0, 0, null, 1, 0, 0, "1.000000", 0],
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
  {
    // Requested at noon of the first of these days.
    report: "cost-per-request",
    parameters: { from: "2026-04-01", to: "2026-04-03", costPerDay: "1000", currency: "EUR" },
    rows: [
      ["2026-04-01T00:00:00Z", 0, "EUR", 500, null],
      ["2026-04-02T00:00:00Z", 0, "EUR", 0, null],
    ],
  },
];
