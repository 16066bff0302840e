import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, ZERO, money, min } from "../domain/money.ts";
import { MoneyText, parseRows } from "./rows.ts";

/** A period of a locked subscription, by its number. */
type Period = { id: string; period: number };

/** In money; what a dispute took out of the customer's credit was the invoice's no more. */
const GIVEN_BACK = `(SELECT coalesce(sum(refunded + refund_pending + disputed
    - (SELECT coalesce(sum(from_credit), 0) FROM disputes WHERE payment_id = payments.id AND status <> 'won')), 0)
  FROM payments WHERE payments.invoice_id = invoices.id)`;

/**
 * The period ($2) and those before it whose rest was carried into it, as they were left for another interval before
 * their end; the last `nth` is the period itself.
 */
const CHAIN = `WITH RECURSIVE back AS (
    SELECT period, starts_at, ends_at FROM subscription_periods WHERE subscription_id = $1 AND period = $2
    UNION ALL
    SELECT p.period, p.starts_at, p.ends_at FROM back JOIN subscription_periods p
      ON p.subscription_id = $1 AND p.period = back.period - 1 AND p.ends_at > back.starts_at),
  chain AS (SELECT ends_at, max(period) AS nth FROM back GROUP BY ends_at)`;

const Kept = z.object({ kept: MoneyText });

/**
 * What was billed for a period, with tax, less what of it was voided, written off, credited, refunded or disputed: the
 * most that it may still give back. What a period that was left early gave back and carried on, and lost afterwards, is
 * missing in the one that it was carried into.
 */
export async function refundableForPeriod(tx: Queryable, { id, period }: Period): Promise<Money> {
  const rows = await tx.query(
    `${CHAIN}, own AS (
       SELECT status, total, credited, amount_due, ${GIVEN_BACK} AS given_back,
         (SELECT ends_at FROM invoice_lines l WHERE l.invoice_id = invoices.id ORDER BY position DESC LIMIT 1) AS ends_at
       FROM invoices WHERE subscription_id = $1),
     lost AS (
       SELECT ends_at, sum(CASE status WHEN 'void' THEN total WHEN 'uncollectible' THEN credited + amount_due + given_back
         ELSE credited + given_back END) AS units FROM own GROUP BY ends_at),
     billed AS (
       SELECT l.ends_at, sum(l.total) AS units FROM invoice_lines l JOIN invoices ON invoices.id = l.invoice_id
       WHERE subscription_id = $1 GROUP BY l.ends_at)
     SELECT (coalesce(billed.units, 0) - coalesce(lost.units, 0))::text AS kept
     FROM chain LEFT JOIN billed USING (ends_at) LEFT JOIN lost USING (ends_at) ORDER BY nth`,
    [id, period],
  );
  const kept = parseRows(Kept, rows).reduce(
    (before, it) => it.kept + (before < 0n ? before : 0n),
    0n,
  );
  return kept > 0n ? money(kept) : ZERO;
}

const Billed = z.object({ id: z.string(), left: MoneyText });

/**
 * Notes on the invoices of a period, and of what was carried into it, newest first, what has become credit of them:
 * whether or not they were paid, and with what, it is not given back once more.
 */
export async function recordProration(
  tx: Queryable,
  { id, period }: Period,
  amount: bigint,
): Promise<void> {
  const rows = await tx.query(
    `${CHAIN} SELECT id, (total - CASE status WHEN 'uncollectible' THEN amount_due ELSE 0 END - credited - prorated
       - ${GIVEN_BACK})::text AS left FROM invoices
     WHERE subscription_id = $1 AND status <> 'void' AND EXISTS (
       SELECT FROM invoice_lines l JOIN chain USING (ends_at) WHERE l.invoice_id = invoices.id)
     ORDER BY finalized_at DESC, sequence DESC`,
    [id, period],
  );
  let rest = amount;
  for (const invoice of parseRows(Billed, rows)) {
    const part = min(rest, invoice.left);
    if (part <= 0n) continue;
    rest = money(rest - part);
    const values = [invoice.id, part.toString()];
    await tx.query("UPDATE invoices SET prorated = prorated + $2 WHERE id = $1", values);
  }
}
