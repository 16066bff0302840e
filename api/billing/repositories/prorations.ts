import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, min, money } from "../domain/money.ts";
import { carriedBalance } from "../domain/proration.ts";
import { moneyColumn } from "./columns.ts";

/*
 * Invoice lines do not name their period: a line belongs to the period with the same `ends_at`. Periods that end at the
 * same second cannot be distinguished and count as one. What an invoice loses (voided, written off, credited, refunded
 * or disputed) counts for the period of its last line, which `prorationLines` makes the charge: the period with which the
 * customer continues.
 */

/** A period of a locked subscription, by its number. */
type Period = { id: string; period: number };

/** What a dispute took from the customer's credit is not included: it was no longer part of the invoice. */
const RETURNED_IN_MONEY = `(SELECT coalesce(sum(refunded + refund_pending + disputed
    - (SELECT coalesce(sum(from_credit), 0) FROM disputes WHERE payment_id = payments.id AND status <> 'won')), 0)
  FROM payments WHERE payments.invoice_id = invoices.id)`;

/**
 * `period_ends`: period $2, and the periods before it that ended early when the interval was changed, so that their
 * remaining value was carried into the next.
 */
const CARRIED_PERIODS = `WITH RECURSIVE predecessors AS (
    SELECT period, starts_at, ends_at FROM subscription_periods WHERE subscription_id = $1 AND period = $2
    UNION ALL
    SELECT p.period, p.starts_at, p.ends_at FROM predecessors JOIN subscription_periods p
      ON p.subscription_id = $1 AND p.period = predecessors.period - 1 AND p.ends_at > predecessors.starts_at),
  period_ends AS (SELECT ends_at, max(period) AS period FROM predecessors GROUP BY ends_at)`;

/**
 * What was billed for a period, with tax, less what was voided, written off, credited, refunded or disputed: the most
 * that it may still return. A loss of a period that ended early reduces the period that its value was carried into.
 */
export async function refundableForPeriod(tx: Queryable, { id, period }: Period): Promise<Money> {
  const rows = await tx.query(
    `${CARRIED_PERIODS}, subscription_invoices AS (
       SELECT status, total, credited, amount_due, ${RETURNED_IN_MONEY} AS returned,
         (SELECT ends_at FROM invoice_lines l WHERE l.invoice_id = invoices.id ORDER BY position DESC LIMIT 1) AS ends_at
       FROM invoices WHERE subscription_id = $1),
     losses AS (
       SELECT ends_at, sum(CASE status WHEN 'void' THEN total WHEN 'uncollectible' THEN credited + amount_due + returned
         ELSE credited + returned END) AS units FROM subscription_invoices GROUP BY ends_at),
     billed AS (
       SELECT l.ends_at, sum(l.total) AS units FROM invoice_lines l JOIN invoices ON invoices.id = l.invoice_id
       WHERE subscription_id = $1 GROUP BY l.ends_at)
     SELECT (coalesce(billed.units, 0) - coalesce(losses.units, 0))::text AS units
     FROM period_ends LEFT JOIN billed USING (ends_at) LEFT JOIN losses USING (ends_at) ORDER BY period`,
    [id, period],
  );
  return carriedBalance(rows.map((row) => moneyColumn.parse(row["units"])));
}

/**
 * Records on the invoices of a period, and of what was carried into it, newest first, how much of them has become
 * credit, so that it is not returned a second time.
 */
export async function recordProration(
  tx: Queryable,
  { id, period }: Period,
  amount: bigint,
): Promise<void> {
  const rows = await tx.query(
    `${CARRIED_PERIODS} SELECT id, (total - CASE status WHEN 'uncollectible' THEN amount_due ELSE 0 END - credited - prorated
       - ${RETURNED_IN_MONEY})::text AS unreturned FROM invoices
     WHERE subscription_id = $1 AND status <> 'void' AND EXISTS (
       SELECT FROM invoice_lines l JOIN period_ends USING (ends_at) WHERE l.invoice_id = invoices.id)
     ORDER BY finalized_at DESC, sequence DESC`,
    [id, period],
  );
  let rest = amount;
  for (const row of rows) {
    const part = min(rest, moneyColumn.parse(row["unreturned"]));
    if (part <= 0n) continue;
    rest = money(rest - part);
    const values = [row["id"], String(part)];
    await tx.query("UPDATE invoices SET prorated = prorated + $2 WHERE id = $1", values);
  }
}
