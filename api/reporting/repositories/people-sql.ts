import type { SignUpsParams, TurnoverParams } from "../domain/report-people.ts";
import type { CostParams, ResponseTimeParams } from "../domain/report-requests.ts";
import type { ResolvedRequest } from "../domain/report.ts";
import type { SqlParts, WarehouseQuery } from "../warehouse/port.ts";
import { during, periodSql, placeSql } from "./sql-parts.ts";

export function signUpsQuery({ params, range }: ResolvedRequest<SignUpsParams>): WarehouseQuery {
  return {
    facts: ["accounts"],
    columns: [
      { name: "place", type: "text" },
      { name: "period", type: "text" },
      { name: "sign_ups", type: "integer" },
    ],
    sql: (parts) => `WITH dated AS (
  SELECT ${placeSql(parts, "happened_at", range.fromMs)} AS place, ${periodSql(params.step, "happened_at")} AS period
  FROM ${parts.table("accounts")} a WHERE happened_at < ${parts.time(range.toMs)}
), placed AS (
  SELECT place, CASE WHEN place = 'before' THEN '' ELSE period END AS period FROM dated
)
SELECT place, period, COUNT(*) AS sign_ups FROM placed GROUP BY place, period ORDER BY place, period`,
  };
}

export function turnoverQuery({ params, range }: ResolvedRequest<TurnoverParams>): WarehouseQuery {
  return {
    facts: ["sessions"],
    columns: [
      { name: "period", type: "text" },
      { name: "sign_ins", type: "integer" },
      { name: "sign_outs", type: "integer" },
    ],
    sql: (parts) => `WITH dated AS (
  SELECT ${periodSql(params.step, "happened_at")} AS period, kind FROM ${parts.table("sessions")} s
  WHERE ${during(parts, "happened_at", range)}
)
SELECT period, SUM(CASE WHEN kind = 'started' THEN 1 ELSE 0 END) AS sign_ins,
  SUM(CASE WHEN kind = 'ended' THEN 1 ELSE 0 END) AS sign_outs
FROM dated GROUP BY period ORDER BY period`,
  };
}

const onlyService = ({ text }: SqlParts, service: string | undefined): string =>
  service === undefined ? "" : ` AND service = ${text(service)}`;

export function responseTimeQuery({
  params,
  range,
}: ResolvedRequest<ResponseTimeParams>): WarehouseQuery {
  const { step, service } = params;
  return {
    facts: ["requests"],
    columns: [
      { name: "period", type: "text" },
      { name: "service", type: "text" },
      { name: "release", type: "text" },
      { name: "bucket", type: "integer" },
      { name: "requests", type: "integer" },
      { name: "errors", type: "integer" },
    ],
    sql: (parts) => `WITH dated AS (
  SELECT ${step === "all" ? "CAST('' AS VARCHAR(30))" : periodSql(step, "happened_at")} AS period, service, release, bucket, requests, errors
  FROM ${parts.table("requests")} r WHERE ${during(parts, "happened_at", range)}${onlyService(parts, service)}
)
SELECT period, service, release, bucket, SUM(requests) AS requests, SUM(errors) AS errors
FROM dated GROUP BY period, service, release, bucket ORDER BY period, service, release, bucket`,
  };
}

export function costQuery({ params, range }: ResolvedRequest<CostParams>): WarehouseQuery {
  return {
    facts: ["requests"],
    columns: [
      { name: "period", type: "text" },
      { name: "requests", type: "integer" },
    ],
    sql: (parts) => `WITH dated AS (
  SELECT ${periodSql(params.step, "happened_at")} AS period, requests FROM ${parts.table("requests")} r
  WHERE ${during(parts, "happened_at", range)}${onlyService(parts, params.service)}
)
SELECT period, SUM(requests) AS requests FROM dated GROUP BY period ORDER BY period`,
  };
}
