import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, ZERO, min, money } from "../domain/money.ts";
import { moneyColumn } from "./columns.ts";

/** A period of a locked subscription, by its number. */
type Period = { id: string; period: number };

/** Returned in money. What a dispute took from the customer's credit was no longer part of the invoice. */
const RETURNED = `(SELECT coalesce(sum(refunded + refund_pending + disputed
    - (SELECT coalesce(sum(from_credit), 0) FROM disputes WHERE payment_id = payments.id AND status <> 'won')), 0)
  FROM payments WHERE payments.invoice_id = invoices.id)`;

/**
 * Period $2 and the periods before it that ended early when the interval was changed, whose remaining value was carried
 * into the next; the last `nth` is period $2.
 */
const CHAIN = `WITH RECURSIVE back AS (
    SELECT period, starts_at, ends_at FROM subscription_periods WHERE subscription_id = $1 AND period = $2
    UNION ALL
    SELECT p.period, p.starts_at, p.ends_at FROM back JOIN subscription_periods p
      ON p.subscription_id = $1 AND p.period = back.period - 1 AND p.ends_at > back.starts_at),
  chain AS (SELECT ends_at, max(period) AS nth FROM back GROUP BY ends_at)`;

/**
 * What was billed for a period, with tax, less what was voided, written off, credited, refunded or disputed: the most
 * that it may still return. A loss of a period that ended early reduces the period that its value was carried into.
 */
export async function refundableForPeriod(tx: Queryable, { id, period }: Period): Promise<Money> {
  const rows = await tx.query(
    `${CHAIN}, own AS (
       SELECT status, total, credited, amount_due, ${RETURNED} AS returned,
         (SELECT ends_at FROM invoice_lines l WHERE l.invoice_id = invoices.id ORDER BY position DESC LIMIT 1) AS ends_at
       FROM invoices WHERE subscription_id = $1),
     lost AS (
       SELECT ends_at, sum(CASE status WHEN 'void' THEN total WHEN 'uncollectible' THEN credited + amount_due + returned
         ELSE credited + returned END) AS units FROM own GROUP BY ends_at),
     billed AS (
       SELECT l.ends_at, sum(l.total) AS units FROM invoice_lines l JOIN invoices ON invoices.id = l.invoice_id
       WHERE subscription_id = $1 GROUP BY l.ends_at)
     SELECT (coalesce(billed.units, 0) - coalesce(lost.units, 0))::text AS units
     FROM chain LEFT JOIN billed USING (ends_at) LEFT JOIN lost USING (ends_at) ORDER BY nth`,
    [id, period],
  );
  const refundable = rows
    .map((row) => moneyColumn.parse(row["units"]))
    .reduce<bigint>((carried, units) => units + (carried < 0n ? carried : 0n), 0n);
  return refundable > 0n ? money(refundable) : ZERO;
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
    `${CHAIN} SELECT id, (total - CASE status WHEN 'uncollectible' THEN amount_due ELSE 0 END - credited - prorated
       - ${RETURNED})::text AS left FROM invoices
     WHERE subscription_id = $1 AND status <> 'void' AND EXISTS (
       SELECT FROM invoice_lines l JOIN chain USING (ends_at) WHERE l.invoice_id = invoices.id)
     ORDER BY finalized_at DESC, sequence DESC`,
    [id, period],
  );
  let rest = amount;
  for (const row of rows) {
    const part = min(rest, moneyColumn.parse(row["left"]));
    if (part <= 0n) continue;
    rest = money(rest - part);
    const values = [row["id"], String(part)];
    await tx.query("UPDATE invoices SET prorated = prorated + $2 WHERE id = $1", values);
  }
}
