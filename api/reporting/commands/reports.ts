import { AppError } from "#platform/errors.ts";

import type { RangeParams, Step } from "../domain/periods.ts";
import { signUpsReport, turnoverReport } from "../domain/report-people.ts";
import { costReport, responseTimeReport } from "../domain/report-requests.ts";
import { refundsReport, revenueReport } from "../domain/report-revenue.ts";
import { churnReport, cohortReport, mrrReport } from "../domain/report-subscriptions.ts";
import {
  type ResolvedRequest,
  type ReportSpec,
  type Row,
  resolveRequest,
} from "../domain/report.ts";
import {
  costQuery,
  responseTimeQuery,
  signUpsQuery,
  turnoverQuery,
} from "../repositories/people-sql.ts";
import { refundsQuery, revenueQuery } from "../repositories/revenue-sql.ts";
import { churnQuery, cohortQuery, mrrQuery } from "../repositories/subscription-sql.ts";
import type { QueryLimits, Warehouse, WarehouseQuery } from "../warehouse/port.ts";

type AnyParams = RangeParams & { step: Step | "all" };
type Computation = { warehouse: Warehouse; nowMs: number; limits: QueryLimits };
/** Parameters as sent and stored: strings by name. */
export type Parameters = Readonly<Record<string, unknown>>;

/** A report without the types of its parameters. */
export type Report = Omit<ReportSpec<AnyParams>, "finish"> & {
  /** @throws AppError bad_request that names the invalid parameter, under the path `at` */
  check(parameters: Parameters, nowMs: number, at?: string): void;
  compute(parameters: Parameters, computation: Computation): Promise<Row[]>;
};

/** Maximum rows of a warehouse query, before they become rows of the report. */
const RAW_ROWS_MAX = 500_000;

function define<Params extends AnyParams>(
  spec: ReportSpec<Params>,
  query: (request: ResolvedRequest<Params>) => WarehouseQuery,
): Report {
  const requestOf = (
    parameters: Parameters,
    nowMs: number,
    at = "parameters",
  ): ResolvedRequest<Params> => {
    const parsed = spec.params.safeParse(parameters);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw badParameter([at, ...(issue?.path ?? [])].join("."), issue?.message ?? "");
    }
    const result = resolveRequest(parsed.data, nowMs);
    if ("path" in result) throw badParameter(`${at}.${result.path}`, result.message);
    return result;
  };
  return {
    ...spec,
    check: (parameters, nowMs, at) => void requestOf(parameters, nowMs, at),
    async compute(parameters, { warehouse, nowMs, limits }) {
      const request = requestOf(parameters, nowMs);
      const raw = await warehouse.run(query(request), { ...limits, rowsMax: RAW_ROWS_MAX });
      const rows = spec.finish(request, raw);
      if (rows.length <= limits.rowsMax) return rows;
      const message = `the report has ${rows.length} rows, more than ${limits.rowsMax}: use fewer days, a longer step or a filter`;
      throw new AppError("unprocessable", message);
    },
  };
}

function badParameter(path: string, message: string): AppError {
  return new AppError("bad_request", `${path}: ${message}`, {
    fields: [{ path, code: "invalid", message }],
  });
}

/** Every report of the catalogue. */
export const REPORTS: readonly Report[] = [
  define(revenueReport, revenueQuery),
  define(mrrReport, mrrQuery),
  define(churnReport, churnQuery),
  define(cohortReport, cohortQuery),
  define(refundsReport, refundsQuery),
  define(signUpsReport, signUpsQuery),
  define(turnoverReport, turnoverQuery),
  define(responseTimeReport, responseTimeQuery),
  define(costReport, costQuery),
];

export const reportNamed = (name: string): Report | undefined =>
  REPORTS.find((report) => report.name === name);
