import { z } from "zod";

import { currencyParam, stepped } from "./params.ts";
import { type Step, periodName, startOf } from "./periods.ts";
import { ratio } from "./ratio.ts";
import {
  type Asked,
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
    "What subscriptions bring a month, and how that moved, customer by customer: new (the first that a customer pays), expansion and contraction (more and less than before), churned (nothing any more) and reactivation (again, after nothing). Opening + all movements = closing.",
  sources: ["billing"],
  params: MrrParams,
  columns: [
    PERIOD,
    CURRENCY,
    money("opening", "At the start of the step."),
    money("new", "Of customers who never paid before."),
    money("expansion", "More from those who paid already."),
    money("contraction", "Less from those who still pay; zero or below."),
    money("churned", "Lost with those who pay nothing any more; zero or below."),
    money("reactivation", "Of customers who came back."),
    money("closing", "At the end of the step."),
  ],
  finish: (asked, rows) => byCurrency(asked, rows, mrrRows),
};

function mrrRows({ params, buckets }: Asked<MrrParams>, rows: readonly RawRow[]): Row[] {
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
    "Customers and recurring revenue that were there at the start of a step and not at its end. Who comes and goes within one step is in neither number; who left and came back within it has not left.",
  sources: ["billing"],
  params: ChurnParams,
  columns: [
    PERIOD,
    CURRENCY,
    count("customersAtStart", "Customers with recurring revenue at the start of the step."),
    count("customersLost", "Those of them without any at its end."),
    share("customerChurn", "customersLost / customersAtStart."),
    money("mrrAtStart", "Monthly recurring revenue at the start of the step."),
    money(
      "mrrLost",
      "What customers of the start bring less at its end, by leaving or by paying less.",
    ),
    share(
      "revenueChurn",
      "mrrLost / mrrAtStart (gross: what others pay more is not set against it).",
    ),
  ],
  finish: (asked, rows) => byCurrency(asked, rows, churnRows),
};

function churnRows({ params, buckets, range }: Asked<ChurnParams>, rows: readonly RawRow[]): Row[] {
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
  step: z.enum(["month"]).default("month").describe("Cohorts are of months."),
  currency: currencyParam,
});
export type CohortParams = z.output<typeof CohortParams>;

export const cohortReport: ReportSpec<CohortParams> = {
  name: "cohorts",
  title: "Churn by cohort",
  meaning:
    "Customers by the month in which they first paid, and what is left of them at the end of each month. Cohorts that began in the days of the report; a customer who came back counts again.",
  sources: ["billing"],
  params: CohortParams,
  columns: [
    { ...PERIOD, name: "cohort", meaning: "First day of the month in which its customers began." },
    CURRENCY,
    { ...PERIOD, meaning: "First day of the month that the row is about." },
    count("month", "Months since the cohort's: 0 is the month itself."),
    count("size", "Customers of the cohort."),
    count("retained", "Those with recurring revenue at the end of the month."),
    share("retention", "retained / size."),
    money("mrr", "Their monthly recurring revenue at the end of the month."),
  ],
  finish: (asked, rows) => byCurrency(asked, rows, cohortRows),
};

function cohortRows({ buckets }: Asked<CohortParams>, rows: readonly RawRow[]): Row[] {
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

/** Rows of each currency by itself, in step with each other. */
function byCurrency<Params extends { step: Step }>(
  asked: Asked<Params>,
  rows: readonly RawRow[],
  rowsOf: (asked: Asked<Params>, rows: readonly RawRow[]) => Row[],
): Row[] {
  const currencies = [...groupBy(rows, (row) => textOf(row, "currency"))].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return currencies.flatMap(([, mine]) => rowsOf(asked, mine));
}
