import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { type Money, ZERO } from "../domain/money.ts";
import { OF_ACCOUNT, type PageStart, found, moneyColumn, notFound } from "./columns.ts";

const creditNotes = table("credit_notes", {
  id: z.string(),
  invoiceId: z.string(),
  customerId: z.string(),
  series: z.string(),
  sequence: z.number(),
  number: z.string(),
  currency: z.string(),
  amount: moneyColumn,
  /** The tax that is included in the amount. */
  tax: moneyColumn,
  reason: z.string(),
  createdAtMs: time,
});
export type CreditNote = RowOf<typeof creditNotes>;

export const noCreditNote = (id: string): AppError => notFound("credit note", id);

/** @throws AppError not_found */
export const readCreditNote = async (db: Queryable, id: string): Promise<CreditNote> =>
  found(await creditNotes.find(db, { id }), "credit note", id);

/** Refunds (also pending) and open or lost disputes of an invoice's payments. */
export async function refundedOrDisputed(tx: Queryable, invoiceId: string): Promise<Money> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(refunded + refund_pending + disputed), 0)::text AS amount FROM payments
     WHERE invoice_id = $1`,
    [invoiceId],
  );
  return row === undefined ? ZERO : moneyColumn.parse(row["amount"]);
}

export const insertCreditNote = (tx: Queryable, it: CreditNote): Promise<CreditNote> =>
  creditNotes.insert(tx, it);

type Filter = Partial<Record<"accountId" | "customerId" | "invoiceId", string | undefined>>;

export const listCreditNotes = (
  db: Queryable,
  { accountId, customerId, invoiceId, ...page }: PageStart & Filter,
): Promise<CreditNote[]> =>
  creditNotes.page(db, {
    ...page,
    where: { customerId, invoiceId },
    and: { [OF_ACCOUNT]: accountId },
  });
