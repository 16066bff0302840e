import { type Step, startOf } from "../domain/periods.ts";
import type { ChurnParams, CohortParams, MrrParams } from "../domain/report-subscriptions.ts";
import type { ResolvedRequest } from "../domain/report.ts";
import type { SqlParts, WarehouseQuery } from "../warehouse/port.ts";
import { onlyCurrency, periodSql, placeSql } from "./sql-parts.ts";

const SO_FAR =
  "OVER (PARTITION BY customer_id, currency ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)";

/**
 * Recurring revenue changes of each customer: `mrr_delta` at each subscription change, `total` after it, in the order
 * of Billing's feed. When clocks differ, a change never counts earlier than its predecessor, so that the total at the
 * end of a step is never an older one.
 */
const totalsSql = (parts: SqlParts, currency: string | undefined): string => `WITH moves AS (
  SELECT customer_id, currency, happened_at, seq,
    mrr - COALESCE(LAG(mrr) OVER (PARTITION BY subscription_id, currency ORDER BY seq), 0) AS mrr_delta
  FROM ${parts.table("subscription_changes")} s WHERE 1 = 1${onlyCurrency(parts, "currency", currency)}
), totals AS (
  SELECT customer_id, currency, MAX(happened_at) ${SO_FAR} AS happened_at, seq, mrr_delta, SUM(mrr_delta) ${SO_FAR} AS total
  FROM moves
)`;

export function mrrQuery(request: ResolvedRequest<MrrParams>): WarehouseQuery {
  const { step, currency } = request.params;
  return {
    facts: ["subscription_changes"],
    columns: [
      { name: "place", type: "text" },
      { name: "period", type: "text" },
      { name: "currency", type: "text" },
      { name: "movement", type: "text" },
      { name: "mrr_delta", type: "integer" },
    ],
    sql(parts) {
      const { fromMs, toMs } = request.range;
      return `${totalsSql(parts, currency)}, known AS (
  SELECT currency, happened_at, mrr_delta, total, COALESCE(MAX(total) OVER (PARTITION BY customer_id, currency ORDER BY seq
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS most FROM totals
), named AS (
  SELECT currency, happened_at, mrr_delta, ${placeSql(parts, "happened_at", fromMs)} AS place, ${periodSql(step, "happened_at")} AS period,
    CASE WHEN total - mrr_delta = 0 AND most = 0 THEN 'new' WHEN total - mrr_delta = 0 THEN 'reactivation'
      WHEN total = 0 THEN 'churned' WHEN mrr_delta > 0 THEN 'expansion' ELSE 'contraction' END AS movement
  FROM known WHERE mrr_delta <> 0 AND happened_at < ${parts.time(toMs)}
), placed AS (
  SELECT place, CASE WHEN place = 'before' THEN '' ELSE period END AS period, currency, movement, mrr_delta FROM named
)
SELECT place, period, currency, movement, SUM(mrr_delta) AS mrr_delta
FROM placed GROUP BY place, period, currency, movement ORDER BY currency, place, period, movement`;
    },
  };
}

/** The revenue of each customer at the end of each step in which it changed, and before the range. */
const endsSql = (
  parts: SqlParts,
  step: Step,
  request: ResolvedRequest<ChurnParams | CohortParams>,
): string =>
  `${totalsSql(parts, request.params.currency)}, dated AS (
  SELECT customer_id, currency, total, seq, ${periodSql(step, "happened_at")} AS period FROM totals
  WHERE happened_at < ${parts.time(request.range.toMs)}
), last_of_step AS (
  SELECT customer_id, currency, period, total AS closing, ROW_NUMBER()
    OVER (PARTITION BY customer_id, currency, period ORDER BY seq DESC) AS place FROM dated
), ends AS (
  SELECT customer_id, currency, period, closing,
    COALESCE(LAG(closing) OVER (PARTITION BY customer_id, currency ORDER BY period), 0) AS opening
  FROM last_of_step WHERE place = 1
)`;

const GAINED = "SUM(CASE WHEN opening = 0 AND closing > 0 THEN 1 ELSE 0 END) AS gained";
const LOST = "SUM(CASE WHEN opening > 0 AND closing = 0 THEN 1 ELSE 0 END) AS lost";

export function churnQuery(request: ResolvedRequest<ChurnParams>): WarehouseQuery {
  return {
    facts: ["subscription_changes"],
    columns: [
      { name: "period", type: "text" },
      { name: "currency", type: "text" },
      ...["gained", "lost", "mrr_lost", "mrr_delta"].map((name) => ({
        name,
        type: "integer" as const,
      })),
    ],
    sql: (parts) => `${endsSql(parts, request.params.step, request)}
SELECT period, currency, ${GAINED}, ${LOST},
  SUM(CASE WHEN closing < opening THEN opening - closing ELSE 0 END) AS mrr_lost, SUM(closing - opening) AS mrr_delta
FROM ends GROUP BY period, currency ORDER BY currency, period`,
  };
}

export function cohortQuery(request: ResolvedRequest<CohortParams>): WarehouseQuery {
  return {
    facts: ["subscription_changes"],
    columns: [
      { name: "cohort", type: "text" },
      { name: "period", type: "text" },
      { name: "currency", type: "text" },
      ...["joined", "gained", "lost", "mrr_delta"].map((name) => ({
        name,
        type: "integer" as const,
      })),
    ],
    sql: (parts) => `${endsSql(parts, "month", request)}, begun AS (
  SELECT customer_id, currency, ${periodSql("month", "MIN(happened_at)")} AS cohort
  FROM totals WHERE total > 0 GROUP BY customer_id, currency HAVING MIN(happened_at) >= ${parts.time(startOf("month", request.range.fromMs))}
), of_cohorts AS (
  SELECT b.cohort, e.period, e.currency, e.opening, e.closing,
    CASE WHEN e.period = b.cohort THEN 1 ELSE 0 END AS joined
  FROM ends e JOIN begun b ON b.customer_id = e.customer_id AND b.currency = e.currency
)
SELECT cohort, period, currency, SUM(joined) AS joined, ${GAINED}, ${LOST}, SUM(closing - opening) AS mrr_delta
FROM of_cohorts GROUP BY cohort, period, currency ORDER BY currency, cohort, period`,
  };
}
