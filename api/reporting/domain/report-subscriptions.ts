import { z } from "zod";

import { currencyParam, stepped } from "./params.ts";
import { type Step, periodName, startOf } from "./periods.ts";
import { ratio } from "./ratio.ts";
import {
  type ResolvedRequest,
  CURRENCY,
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
} from "./report.ts";

const MrrParams = stepped({ currency: currencyParam });
export type MrrParams = z.output<typeof MrrParams>;

const MOVEMENTS = ["new", "expansion", "contraction", "churned", "reactivation"] as const;

export const mrrReport: ReportSpec<MrrParams> = {
  name: "mrr",
  title: "Monthly recurring revenue",
  meaning:
    "Monthly recurring revenue of subscriptions and its movements by customer: new (first revenue of a customer), expansion and contraction (increase and decrease), churned (decrease to zero) and reactivation (increase from zero). Opening + all movements = closing.",
  sources: ["billing"],
  params: MrrParams,
  columns: [
    PERIOD,
    CURRENCY,
    money("opening", "At the start of the step."),
    money("new", "From customers without revenue before."),
    money("expansion", "Increase from existing customers."),
    money("contraction", "Decrease from customers who stay; zero or below."),
    money("churned", "Lost from customers who left; zero or below."),
    money("reactivation", "From customers who returned."),
    money("closing", "At the end of the step."),
  ],
  finish: (request, rows) => byCurrency(request, rows, mrrRows),
};

function mrrRows({ params, buckets }: ResolvedRequest<MrrParams>, rows: readonly RawRow[]): Row[] {
  const before = rows.filter((row) => textOf(row, "place") === "before");
  let closing = before.reduce((sum, row) => sum + integerOf(row, "mrr_delta"), 0n);
  const within = groupBy(
    rows.filter((row) => textOf(row, "place") !== "before"),
    (row) => periodOf(row, params.step),
  );
  const currency = textOf(rows[0] ?? {}, "currency");
  return buckets.map(({ name }) => {
    const moved = MOVEMENTS.map((movement) =>
      (within.get(name) ?? [])
        .filter((row) => textOf(row, "movement") === movement)
        .reduce((sum, row) => sum + integerOf(row, "mrr_delta"), 0n),
    );
    const opening = closing;
    closing = moved.reduce((sum, delta) => sum + delta, opening);
    return [name, currency, opening, ...moved, closing];
  });
}

const ChurnParams = stepped({ currency: currencyParam });
export type ChurnParams = z.output<typeof ChurnParams>;

export const churnReport: ReportSpec<ChurnParams> = {
  name: "churn",
  title: "Churn",
  meaning:
    "Customers and recurring revenue present at the start of a step and lost at its end. Customers who join and leave within a step are not counted; those who leave and return within it are not lost.",
  sources: ["billing"],
  params: ChurnParams,
  columns: [
    PERIOD,
    CURRENCY,
    count("customersAtStart", "Customers with recurring revenue at the start of the step."),
    count("customersLost", "Those without recurring revenue at the end of the step."),
    share("customerChurn", "customersLost / customersAtStart."),
    money("mrrAtStart", "Monthly recurring revenue at the start of the step."),
    money(
      "mrrLost",
      "Revenue lost by the end of the step from these customers, by leaving or by paying less.",
    ),
    share("revenueChurn", "mrrLost / mrrAtStart (gross churn: not offset by expansion)."),
  ],
  finish: (request, rows) => byCurrency(request, rows, churnRows),
};

function churnRows(
  { params, buckets, range }: ResolvedRequest<ChurnParams>,
  rows: readonly RawRow[],
): Row[] {
  const startName = periodName(params.step, startOf(params.step, range.fromMs));
  let customers = 0n;
  let mrr = 0n;
  const pass = (row: RawRow): void => {
    customers += integerOf(row, "gained") - integerOf(row, "lost");
    mrr += integerOf(row, "mrr_delta");
  };
  for (const row of rows) if (periodOf(row, params.step) < startName) pass(row);
  const at = new Map(rows.map((row) => [periodOf(row, params.step), row]));
  const currency = textOf(rows[0] ?? {}, "currency");
  return buckets.map(({ name }) => {
    const row = at.get(name) ?? {};
    const lost = integerOf(row, "lost");
    const mrrLost = integerOf(row, "mrr_lost");
    const cells = [name, currency, customers, lost, ratio(lost, customers), mrr, mrrLost];
    const line = [...cells, ratio(mrrLost, mrr)];
    pass(row);
    return line;
  });
}

const CohortParams = z.strictObject({
  ...stepped({}).omit({ step: true }).shape,
  step: z.enum(["month"]).default("month").describe("Cohorts are monthly."),
  currency: currencyParam,
});
export type CohortParams = z.output<typeof CohortParams>;

export const cohortReport: ReportSpec<CohortParams> = {
  name: "cohorts",
  title: "Churn by cohort",
  meaning:
    "Customers by the month of their first revenue, and their retention at the end of each month. Includes cohorts that began in the range of the report; returning customers count as retained.",
  sources: ["billing"],
  params: CohortParams,
  columns: [
    { ...PERIOD, name: "cohort", meaning: "First day of the month in which the cohort began." },
    CURRENCY,
    { ...PERIOD, meaning: "First day of the month of the row." },
    count("month", "Months since the cohort began, from 0."),
    count("size", "Customers of the cohort."),
    count("retained", "Customers of the cohort with recurring revenue at the end of the month."),
    share("retention", "retained / size."),
    money("mrr", "Their monthly recurring revenue at the end of the month."),
  ],
  finish: (request, rows) => byCurrency(request, rows, cohortRows),
};

function cohortRows({ buckets }: ResolvedRequest<CohortParams>, rows: readonly RawRow[]): Row[] {
  const cohorts = groupBy(rows, (row) => textOf(row, "cohort").slice(0, 10));
  return [...cohorts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([cohort, moves]) => {
      const currency = textOf(moves[0] ?? {}, "currency");
      const size = moves.reduce((sum, row) => sum + integerOf(row, "joined"), 0n);
      const at = new Map(moves.map((row) => [periodOf(row, "month"), row]));
      let retained = 0n;
      let mrr = 0n;
      return buckets
        .filter(({ name }) => name >= cohort)
        .map(({ name }, month) => {
          const row = at.get(name) ?? {};
          retained += integerOf(row, "gained") - integerOf(row, "lost");
          mrr += integerOf(row, "mrr_delta");
          return [
            cohort,
            currency,
            name,
            BigInt(month),
            size,
            retained,
            ratio(retained, size),
            mrr,
          ];
        });
    });
}

/** Groups the rows of each currency. */
function byCurrency<Params extends { step: Step }>(
  request: ResolvedRequest<Params>,
  rows: readonly RawRow[],
  rowsOf: (request: ResolvedRequest<Params>, rows: readonly RawRow[]) => Row[],
): Row[] {
  const currencies = [...groupBy(rows, (row) => textOf(row, "currency"))].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return currencies.flatMap(([, mine]) => rowsOf(request, mine));
}
