import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, ZERO, money, smaller } from "../domain/money.ts";
import { MoneyText, parseRows } from "./rows.ts";

/** A period of a locked subscription, by its end: the invoices that have lines of it. */
type Period = { id: string; endMs: number };

const GIVEN_BACK = `(SELECT coalesce(sum(refunded + refund_pending + disputed), 0) FROM payments
  WHERE payments.invoice_id = invoices.id)`;
const OF_PERIOD = `subscription_id = $1 AND EXISTS (
  SELECT FROM invoice_lines l WHERE l.invoice_id = invoices.id AND l.ends_at = $2)`;

/**
 * What was billed for a period, with tax, less what of it was voided, written off, credited, refunded or disputed: the
 * most that it may still give back.
 */
export async function keptOf(tx: Queryable, { id, endMs }: Period): Promise<Money> {
  const rows = await tx.query(
    `SELECT coalesce(sum(billed - lost), 0)::text AS kept FROM (
       SELECT (SELECT sum(l.total) FROM invoice_lines l WHERE l.invoice_id = invoices.id AND l.ends_at = $2) AS billed,
         CASE status WHEN 'void' THEN total WHEN 'uncollectible' THEN credited + amount_due + ${GIVEN_BACK}
           ELSE credited + ${GIVEN_BACK} END AS lost
       FROM invoices WHERE ${OF_PERIOD}) AS invoice`,
    [id, new Date(endMs)],
  );
  const [row] = parseRows(z.object({ kept: MoneyText }), rows);
  return row === undefined || row.kept < 0n ? ZERO : row.kept;
}

const Paid = z.object({ id: z.string(), left: MoneyText });

/** Notes on the invoices of a period that were paid, newest first, what has become credit of them. */
export async function noteProrated(
  tx: Queryable,
  { id, endMs }: Period,
  amount: bigint,
): Promise<void> {
  const rows = await tx.query(
    `SELECT id, (amount_paid - credited - prorated - ${GIVEN_BACK})::text AS left FROM invoices
     WHERE ${OF_PERIOD} AND amount_paid > 0 ORDER BY finalized_at DESC, sequence DESC`,
    [id, new Date(endMs)],
  );
  let rest = amount;
  for (const invoice of parseRows(Paid, rows)) {
    const part = smaller(rest, invoice.left);
    if (part <= 0n) continue;
    rest = money(rest - part);
    const values = [invoice.id, part.toString()];
    await tx.query("UPDATE invoices SET prorated = prorated + $2 WHERE id = $1", values);
  }
}
