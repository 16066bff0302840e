import type { RefundsParams, RevenueParams } from "../domain/report-revenue.ts";
import type { ResolvedRequest } from "../domain/report.ts";
import type { SqlParts, WarehouseQuery } from "../warehouse/port.ts";
import { during, onlyCurrency, periodSql } from "./sql-parts.ts";

const PAID = "SELECT payment_id, MAX(invoice_id) AS invoice_id, MIN(seq) AS seq";

/**
 * A payment that fails after it succeeded is reversed; one that only failed is ignored. Each row has the invoice of
 * the payment, which determines the plan.
 */
const moneySql = ({ table }: SqlParts): string => `WITH paid AS (
  ${PAID} FROM ${table("payments")} p WHERE kind = 'succeeded' GROUP BY payment_id
), money AS (
  SELECT happened_at, currency, invoice_id, 1 AS payments, amount AS gross, 0 AS tax, 0 AS refunds, 0 AS chargebacks
  FROM ${table("payments")} p WHERE kind = 'succeeded'
  UNION ALL SELECT p.happened_at, p.currency, p.invoice_id, -1, -p.amount, 0, 0, 0
  FROM ${table("payments")} p JOIN paid ON paid.payment_id = p.payment_id AND paid.seq < p.seq WHERE p.kind = 'failed'
  UNION ALL SELECT happened_at, currency, invoice_id, 0, 0, CASE WHEN kind = 'paid' THEN tax ELSE -tax END, 0, 0
  FROM ${table("invoices")} i WHERE kind IN ('paid', 'reopened')
  UNION ALL SELECT r.happened_at, r.currency, paid.invoice_id, 0, 0, 0, r.amount, 0
  FROM ${table("refunds")} r LEFT JOIN paid ON paid.payment_id = r.payment_id
  UNION ALL SELECT d.happened_at, d.currency, paid.invoice_id, 0, 0, 0, 0, CASE WHEN d.kind = 'won' THEN -d.amount ELSE d.amount END
  FROM ${table("disputes")} d LEFT JOIN paid ON paid.payment_id = d.payment_id WHERE d.kind <> 'lost'
)`;

/** The plan of an invoice's subscription when the invoice was issued. */
const plansSql = ({ table }: SqlParts): string => `, plans AS (
  SELECT invoice_id, plan_id FROM (
    SELECT i.invoice_id, s.plan_id, ROW_NUMBER() OVER (PARTITION BY i.invoice_id ORDER BY s.happened_at DESC, s.seq DESC) AS place
    FROM ${table("invoices")} i
    JOIN ${table("subscription_changes")} s ON s.subscription_id = i.subscription_id AND s.happened_at <= i.happened_at
    WHERE i.kind = 'finalized') ranked WHERE place = 1
)`;

export function revenueQuery(request: ResolvedRequest<RevenueParams>): WarehouseQuery {
  const { step, by, currency } = request.params;
  const sums = ["payments", "gross", "tax", "refunds", "chargebacks"];
  return {
    facts: ["payments", "refunds", "disputes", "invoices", "subscription_changes"],
    columns: [
      ...(["period", "currency", "plan"] as const).map((name) => ({ name, type: "text" as const })),
      ...sums.map((name) => ({ name, type: "integer" as const })),
    ],
    sql(parts) {
      const split = by === "plan";
      const plan = split ? "plans.plan_id" : "CAST(NULL AS VARCHAR(200))";
      return `${moneySql(parts)}${split ? plansSql(parts) : ""}, dated AS (
  SELECT ${periodSql(step, "m.happened_at")} AS period, m.currency, ${plan} AS plan, payments, gross, tax, refunds, chargebacks
  FROM money m ${split ? "LEFT JOIN plans ON plans.invoice_id = m.invoice_id" : ""}
  WHERE ${during(parts, "m.happened_at", request.range)}${onlyCurrency(parts, "m.currency", currency)}
)
SELECT period, currency, plan, ${sums.map((name) => `SUM(${name}) AS ${name}`).join(", ")}
FROM dated GROUP BY period, currency, plan ORDER BY currency, plan, period`;
    },
  };
}

const is = (kind: string, value: string): string =>
  `CASE WHEN kind = '${kind}' THEN ${value} ELSE 0 END`;

export function refundsQuery(request: ResolvedRequest<RefundsParams>): WarehouseQuery {
  const sums = ["payments", "gross", "refunds", "refunds_amount", "opened", "opened_amount"];
  const all = [...sums, "won", "lost", "lost_amount", "fees"];
  return {
    facts: ["payments", "refunds", "disputes"],
    columns: [
      { name: "period", type: "text" },
      { name: "currency", type: "text" },
      ...all.map((name) => ({ name, type: "integer" as const })),
    ],
    sql(parts) {
      const { table } = parts;
      return `WITH paid AS (
  ${PAID} FROM ${table("payments")} p WHERE kind = 'succeeded' GROUP BY payment_id
), moved AS (
  SELECT happened_at, currency, 1 AS payments, amount AS gross, 0 AS refunds, 0 AS refunds_amount,
    0 AS opened, 0 AS opened_amount, 0 AS won, 0 AS lost, 0 AS lost_amount, 0 AS fees
  FROM ${table("payments")} p WHERE kind = 'succeeded'
  UNION ALL SELECT p.happened_at, p.currency, -1, -p.amount, 0, 0, 0, 0, 0, 0, 0, 0
  FROM ${table("payments")} p JOIN paid ON paid.payment_id = p.payment_id AND paid.seq < p.seq WHERE p.kind = 'failed'
  UNION ALL SELECT happened_at, currency, 0, 0, 1, amount, 0, 0, 0, 0, 0, 0 FROM ${table("refunds")} r
  UNION ALL SELECT happened_at, currency, 0, 0, 0, 0, ${is("opened", "1")}, ${is("opened", "amount")},
    ${is("won", "1")}, ${is("lost", "1")}, ${is("lost", "amount")}, ${is("opened", "fee")} FROM ${table("disputes")} d
), dated AS (
  SELECT ${periodSql(request.params.step, "m.happened_at")} AS period, m.* FROM moved m
  WHERE ${during(parts, "m.happened_at", request.range)}${onlyCurrency(parts, "m.currency", request.params.currency)}
)
SELECT period, currency, ${all.map((name) => `SUM(${name}) AS ${name}`).join(", ")}
FROM dated GROUP BY period, currency ORDER BY currency, period`;
    },
  };
}
