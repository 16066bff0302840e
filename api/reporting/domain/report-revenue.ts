import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { currencyParam, stepped } from "./params.ts";
import { ratio } from "./ratio.ts";
import {
  type Asked,
  CURRENCY,
  type Cell,
  PERIOD,
  type RawRow,
  type ReportSpec,
  type Row,
  count,
  groupBy,
  integerOf,
  money,
  periodOf,
  share,
  textOf,
  word,
} from "./report.ts";

const RevenueParams = stepped({
  currency: currencyParam,
  by: z.enum(["none", "plan"]).default("none").describe("Split by the plan that was paid for."),
});
export type RevenueParams = z.output<typeof RevenueParams>;

export const revenueReport: ReportSpec<RevenueParams> = {
  name: "revenue",
  title: "Revenue",
  meaning:
    "Money received, net of refunds and chargebacks, when it moved: a payment when it succeeded (and back, if it failed afterwards), a refund when it was made, a chargeback when the dispute was opened, and back when it was won. Taxes are in it and shown beside.",
  sources: ["billing"],
  params: RevenueParams,
  columns: [
    PERIOD,
    CURRENCY,
    word(
      "plan",
      "Plan of the subscription when the invoice was written; empty where there is none, or without a split.",
    ),
    count("payments", "Payments that succeeded."),
    money("gross", "What they brought."),
    money(
      "tax",
      "Taxes on the invoices that were paid in the step, minus those whose payment failed afterwards.",
    ),
    money("refunds", "What was given back."),
    money("chargebacks", "What banks took back, minus what was won back."),
    money("net", "gross − refunds − chargebacks."),
  ],
  finish: (asked, rows) =>
    filled(asked, rows, (row) => {
      const gross = integerOf(row, "gross");
      const refunds = integerOf(row, "refunds");
      const chargebacks = integerOf(row, "chargebacks");
      const net = gross - refunds - chargebacks;
      const plan: Cell = asked.params.by === "plan" ? (row["plan"] ?? null) : null;
      const sums = [integerOf(row, "payments"), gross, integerOf(row, "tax"), refunds];
      return [textOf(row, "currency"), plan, ...sums, chargebacks, net];
    }),
};

const RefundsParams = stepped({ currency: currencyParam });
export type RefundsParams = z.output<typeof RefundsParams>;

export const refundsReport: ReportSpec<RefundsParams> = {
  name: "refunds-and-chargebacks",
  title: "Refunds and chargebacks",
  meaning:
    "What went back to customers, and how disputes ended. Each thing counts in the step in which it happened, so a rate compares what happened in a step with the payments of the same step.",
  sources: ["billing"],
  params: RefundsParams,
  columns: [
    PERIOD,
    CURRENCY,
    count("payments", "Payments that succeeded."),
    money("paymentsAmount", "What they brought."),
    count("refunds", "Refunds made."),
    money("refundsAmount", "What they gave back."),
    share("refundRate", "refundsAmount / paymentsAmount."),
    count("disputesOpened", "Disputes opened by customers' banks."),
    money("disputesAmount", "What they were about."),
    share("disputeRate", "disputesOpened / payments."),
    count("disputesWon", "Disputes that were won."),
    count("disputesLost", "Disputes that were lost."),
    money("lostAmount", "What they were about."),
    share("winRate", "disputesWon / (disputesWon + disputesLost)."),
    money("disputeFees", "Fees of the disputes opened."),
  ],
  finish: (asked, rows) =>
    filled(asked, rows, (row) => {
      const of = (name: string): bigint => integerOf(row, name);
      const ended = of("won") + of("lost");
      return [
        textOf(row, "currency"),
        of("payments"),
        of("gross"),
        of("refunds"),
        of("refunds_amount"),
        ratio(of("refunds_amount"), of("gross")),
        of("opened"),
        of("opened_amount"),
        ratio(of("opened"), of("payments")),
        of("won"),
        of("lost"),
        of("lost_amount"),
        ratio(of("won"), ended),
        of("fees"),
      ];
    }),
};

const FILLED_MAX = 200_000;

/** Rows by step: for each group that has any, one row a step, zero where nothing happened. */
function filled(
  asked: Asked<{ step: "day" | "week" | "month" }>,
  rows: readonly RawRow[],
  cells: (row: RawRow) => Row,
): Row[] {
  const groups = groupBy(rows, (row) => JSON.stringify([row["currency"], row["plan"] ?? null]));
  if (groups.size * asked.buckets.length > FILLED_MAX) {
    const message = `${groups.size} plans and currencies over ${asked.buckets.length} steps are too many rows: take a longer step, fewer days, or one currency`;
    throw new AppError("unprocessable", message);
  }
  const series = [...groups.values()].map((group) => ({
    group,
    at: new Map(group.map((row) => [periodOf(row, asked.params.step), row])),
  }));
  return asked.buckets.flatMap(({ name }) =>
    series.map(({ group: [first], at }) => {
      const nothing = { currency: first?.["currency"] ?? null, plan: first?.["plan"] ?? null };
      return [name, ...cells(at.get(name) ?? nothing)];
    }),
  );
}
