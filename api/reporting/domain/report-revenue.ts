import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { currencyParam, stepped } from "./params.ts";
import { ratio } from "./ratio.ts";
import {
  type ResolvedRequest,
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
  by: z.enum(["none", "plan"]).default("none").describe("Split by the plan paid for."),
});
export type RevenueParams = z.output<typeof RevenueParams>;

export const revenueReport: ReportSpec<RevenueParams> = {
  name: "revenue",
  title: "Revenue",
  meaning:
    "Money received, net of refunds and chargebacks. A payment counts when it succeeds (and is reversed if it fails afterwards), a refund when it is made, a chargeback when the dispute is opened (and is reversed when the dispute is won). Taxes are included and also shown separately.",
  sources: ["billing"],
  params: RevenueParams,
  columns: [
    PERIOD,
    CURRENCY,
    word(
      "plan",
      "Plan of the subscription when the invoice was issued; empty without a plan or a split.",
    ),
    count("payments", "Successful payments."),
    money("gross", "Amount of the successful payments."),
    money(
      "tax",
      "Taxes on invoices paid in the step, minus those whose payment failed afterwards.",
    ),
    money("refunds", "Amount refunded."),
    money("chargebacks", "Amount of chargebacks, minus disputes won."),
    money("net", "gross − refunds − chargebacks."),
  ],
  finish: (request, rows) =>
    filled(request, rows, (row) => {
      const gross = integerOf(row, "gross");
      const refunds = integerOf(row, "refunds");
      const chargebacks = integerOf(row, "chargebacks");
      const net = gross - refunds - chargebacks;
      const plan: Cell = request.params.by === "plan" ? (row["plan"] ?? null) : null;
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
    "Refunds, and disputes with their outcomes. Each event counts in the step in which it happened, so a rate relates the events of a step to the payments of the same step.",
  sources: ["billing"],
  params: RefundsParams,
  columns: [
    PERIOD,
    CURRENCY,
    count("payments", "Successful payments."),
    money("paymentsAmount", "Amount of the successful payments."),
    count("refunds", "Refunds made."),
    money("refundsAmount", "Amount refunded."),
    share("refundRate", "refundsAmount / paymentsAmount."),
    count("disputesOpened", "Disputes opened by customers' banks."),
    money("disputesAmount", "Amount of the disputes opened."),
    share("disputeRate", "disputesOpened / payments."),
    count("disputesWon", "Disputes won."),
    count("disputesLost", "Disputes lost."),
    money("lostAmount", "Amount of the disputes lost."),
    share("winRate", "disputesWon / (disputesWon + disputesLost)."),
    money("disputeFees", "Fees of the disputes opened."),
  ],
  finish: (request, rows) =>
    filled(request, rows, (row) => {
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

/** For each group with rows, one row per step, zero in steps without events. */
function filled(
  request: ResolvedRequest<{ step: "day" | "week" | "month" }>,
  rows: readonly RawRow[],
  cells: (row: RawRow) => Row,
): Row[] {
  const groups = groupBy(rows, (row) => JSON.stringify([row["currency"], row["plan"] ?? null]));
  if (groups.size * request.buckets.length > FILLED_MAX) {
    const message = `${groups.size} plans and currencies over ${request.buckets.length} steps are too many rows: take a longer step, fewer days, or one currency`;
    throw new AppError("unprocessable", message);
  }
  const series = [...groups.values()].map((group) => ({
    group,
    at: new Map(group.map((row) => [periodOf(row, request.params.step), row])),
  }));
  return request.buckets.flatMap(({ name }) =>
    series.map(({ group: [first], at }) => {
      const nothing = { currency: first?.["currency"] ?? null, plan: first?.["plan"] ?? null };
      return [name, ...cells(at.get(name) ?? nothing)];
    }),
  );
}
