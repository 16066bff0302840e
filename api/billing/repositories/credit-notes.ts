import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type Money, ZERO } from "../domain/money.ts";
import type { Numbered } from "../domain/numbering.ts";
import type { ListFrom } from "./customers.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const CreditNoteRow = z
  .object({
    id: z.string(),
    invoice_id: z.string(),
    customer_id: z.string(),
    number: z.string(),
    currency: z.string(),
    amount: MoneyText,
    tax: MoneyText,
    reason: z.string(),
    created_at: TimeMs,
  })
  .transform((row) => ({
    id: row.id,
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    number: row.number,
    currency: row.currency,
    amount: row.amount,
    /** The part of the amount that is tax. */
    tax: row.tax,
    reason: row.reason,
    createdMs: row.created_at,
  }));
export type CreditNote = z.output<typeof CreditNoteRow>;

const COLUMNS = columns(
  "id, invoice_id, customer_id, number, currency, reason, created_at",
  "amount tax",
);

export const noCreditNote = (id: string): AppError =>
  new AppError("not_found", `There is no credit note ${id}.`);

/** @throws AppError not_found */
export async function readCreditNote(db: Queryable, id: string): Promise<CreditNote> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM credit_notes WHERE id = $1`, [id]);
  const [note] = parseRows(CreditNoteRow, rows);
  if (note === undefined) throw noCreditNote(id);
  return note;
}

/** What payments of an invoice have given back in money, or may have to: refunds, and disputes that are open or lost. */
export async function refundedOrDisputed(tx: Queryable, invoiceId: string): Promise<Money> {
  const rows = await tx.query(
    `SELECT coalesce(sum(refunded + refund_pending + disputed), 0)::text AS amount FROM payments
     WHERE invoice_id = $1`,
    [invoiceId],
  );
  const [row] = parseRows(z.object({ amount: MoneyText }), rows);
  return row?.amount ?? ZERO;
}

export async function insertCreditNote(
  tx: Queryable,
  it: Omit<CreditNote, "number"> & { numbered: Numbered },
): Promise<void> {
  await tx.query(
    `INSERT INTO credit_notes (id, invoice_id, customer_id, series, sequence, number, currency, amount, tax, reason,
       created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      it.id,
      it.invoiceId,
      it.customerId,
      it.numbered.series,
      it.numbered.sequence,
      it.numbered.number,
      it.currency,
      it.amount.toString(),
      it.tax.toString(),
      it.reason,
      new Date(it.createdMs),
    ],
  );
}

type Filter = ListFrom & {
  accountId: string | undefined;
  customerId: string | undefined;
  invoiceId: string | undefined;
};

/** Newest first, one more than `limit`. */
export async function listCreditNotes(db: Queryable, it: Filter): Promise<CreditNote[]> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM credit_notes
     WHERE ($1::text IS NULL OR customer_id IN (SELECT id FROM customers WHERE account_id = $1))
       AND ($2::text IS NULL OR customer_id = $2) AND ($3::text IS NULL OR invoice_id = $3)
       AND (created_at, id) < ($4, $5) ORDER BY created_at DESC, id DESC LIMIT $6`,
    [
      it.accountId ?? null,
      it.customerId ?? null,
      it.invoiceId ?? null,
      new Date(it.after[0]),
      it.after[1],
      it.limit + 1,
    ],
  );
  return parseRows(CreditNoteRow, rows);
}
