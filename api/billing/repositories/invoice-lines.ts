import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { InvoiceLine, InvoiceTotals } from "../domain/invoice.ts";
import type { Numbered } from "../domain/numbering.ts";
import { INVOICE_COLUMNS, type Invoice, invoicesOf, noInvoice } from "./invoices.ts";
import { MoneyText, columns, parseRows } from "./rows.ts";

/** A timestamptz as the driver gives it, or as it stands in JSON. */
const LineTimeMs = z.coerce.date().transform((it) => it.getTime());
const LineRow = z
  .object({
    kind: z.enum(["item", "subscription", "proration_credit", "proration_charge"]),
    description: z.string(),
    quantity: z.number(),
    unit_amount: MoneyText,
    amount: MoneyText,
    discount: MoneyText,
    tax_rate_bp: z.number(),
    tax_inclusive: z.boolean(),
    tax: MoneyText,
    total: MoneyText,
    starts_at: LineTimeMs.nullable(),
    ends_at: LineTimeMs.nullable(),
  })
  .transform((row): InvoiceLine => ({
    kind: row.kind,
    description: row.description,
    quantity: row.quantity,
    unitAmount: row.unit_amount,
    amount: row.amount,
    discount: row.discount,
    taxRate: { basisPoints: row.tax_rate_bp, inclusive: row.tax_inclusive },
    tax: row.tax,
    total: row.total,
    period:
      row.starts_at === null || row.ends_at === null
        ? undefined
        : { startMs: row.starts_at, endMs: row.ends_at },
  }));

const COLUMNS = columns(
  "kind, description, quantity, tax_rate_bp, tax_inclusive, starts_at, ends_at",
  "unit_amount amount discount tax total",
);

export async function readLines(db: Queryable, invoiceId: string): Promise<InvoiceLine[]> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM invoice_lines WHERE invoice_id = $1 ORDER BY position`,
    [invoiceId],
  );
  return parseRows(LineRow, rows);
}

const Whole = z.object({ account_id: z.string(), lines: z.array(LineRow) });

/** An invoice with its lines, both as they were at one moment, and whose it is. @throws AppError not_found */
export async function readInvoiceWithLines(
  db: Queryable,
  id: string,
): Promise<{ invoice: Invoice; lines: InvoiceLine[]; accountId: string }> {
  const rows = await db.query(
    `SELECT ${INVOICE_COLUMNS}, (SELECT account_id FROM customers WHERE customers.id = customer_id) AS account_id,
       (SELECT coalesce(json_agg(line), '[]') FROM (
         SELECT ${COLUMNS} FROM invoice_lines WHERE invoice_id = invoices.id ORDER BY position) AS line) AS lines
     FROM invoices WHERE id = $1`,
    [id],
  );
  const invoice = only(rows, id);
  const { lines, account_id: accountId } = Whole.parse(rows[0]);
  return { invoice, lines, accountId };
}

async function insertLines(
  tx: Queryable,
  invoiceId: string,
  lines: readonly InvoiceLine[],
): Promise<void> {
  const rows = lines.map((it, index) => ({
    position: index + 1,
    kind: it.kind,
    description: it.description,
    quantity: it.quantity,
    unit_amount: it.unitAmount.toString(),
    amount: it.amount.toString(),
    discount: it.discount.toString(),
    tax_rate_bp: it.taxRate.basisPoints,
    tax_inclusive: it.taxRate.inclusive,
    tax: it.tax.toString(),
    total: it.total.toString(),
    starts_at: it.period === undefined ? null : new Date(it.period.startMs).toISOString(),
    ends_at: it.period === undefined ? null : new Date(it.period.endMs).toISOString(),
  }));
  await tx.query(
    `INSERT INTO invoice_lines (invoice_id, position, kind, description, quantity, unit_amount, amount, discount,
       tax_rate_bp, tax_inclusive, tax, total, starts_at, ends_at)
     SELECT $1, * FROM jsonb_to_recordset($2::jsonb) AS line (position integer, kind text, description text,
       quantity integer, unit_amount bigint, amount bigint, discount bigint, tax_rate_bp integer,
       tax_inclusive boolean, tax bigint, total bigint, starts_at timestamptz, ends_at timestamptz)`,
    [invoiceId, JSON.stringify(rows)],
  );
}

export type NewInvoice = Pick<
  Invoice,
  "id" | "customerId" | "subscriptionId" | "currency" | "memo" | "dueDays" | "createdMs"
> & { lines: readonly InvoiceLine[]; totals: InvoiceTotals };

export async function insertDraft(tx: Queryable, it: NewInvoice): Promise<Invoice> {
  const { subtotal, discount, tax, total } = it.totals;
  const rows = await tx.query(
    `INSERT INTO invoices (id, customer_id, subscription_id, status, currency, subtotal, discount, tax, total,
       amount_due, memo, due_days, created_at)
     VALUES ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, 0, $9, $10, $11) RETURNING ${INVOICE_COLUMNS}`,
    [
      it.id,
      it.customerId,
      it.subscriptionId,
      it.currency,
      ...[subtotal, discount, tax, total].map(String),
      it.memo,
      it.dueDays,
      new Date(it.createdMs),
    ],
  );
  await insertLines(tx, it.id, it.lines);
  return only(rows, it.id);
}

/** Other lines for a locked draft. */
export async function replaceDraft(
  tx: Queryable,
  it: Pick<NewInvoice, "id" | "memo" | "dueDays" | "lines" | "totals">,
): Promise<Invoice> {
  const { subtotal, discount, tax, total } = it.totals;
  const rows = await tx.query(
    `UPDATE invoices SET subtotal = $2, discount = $3, tax = $4, total = $5, memo = $6, due_days = $7,
       version = version + 1 WHERE id = $1 AND status = 'draft' RETURNING ${INVOICE_COLUMNS}`,
    [it.id, ...[subtotal, discount, tax, total].map(String), it.memo, it.dueDays],
  );
  await tx.query("DELETE FROM invoice_lines WHERE invoice_id = $1", [it.id]);
  await insertLines(tx, it.id, it.lines);
  return only(rows, it.id);
}

/** A locked draft goes: it never had a number. */
export async function deleteDraft(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM invoice_lines WHERE invoice_id = $1", [id]);
  await tx.query("DELETE FROM invoices WHERE id = $1 AND status = 'draft'", [id]);
}

export type Finalized = Pick<Invoice, "id" | "status" | "creditApplied" | "amountDue"> & {
  numbered: Numbered;
  nowMs: number;
  dueMs: number;
};

export async function saveFinalized(tx: Queryable, it: Finalized): Promise<Invoice> {
  const rows = await tx.query(
    `UPDATE invoices SET status = $2, credit_applied = $3, amount_due = $4, series = $5, sequence = $6, number = $7,
       finalized_at = $8, due_at = $9, paid_at = CASE WHEN $2 = 'paid' THEN $8::timestamptz END,
       version = version + 1 WHERE id = $1 AND status = 'draft' RETURNING ${INVOICE_COLUMNS}`,
    [
      it.id,
      it.status,
      it.creditApplied.toString(),
      it.amountDue.toString(),
      it.numbered.series,
      it.numbered.sequence,
      it.numbered.number,
      new Date(it.nowMs),
      new Date(it.dueMs),
    ],
  );
  return only(rows, it.id);
}

/** A locked open invoice is void: nothing is due; the number stays. */
export async function saveVoid(tx: Queryable, id: string, nowMs: number): Promise<Invoice> {
  const rows = await tx.query(
    `UPDATE invoices SET status = 'void', amount_due = 0, credit_applied = 0, voided_at = $2,
       version = version + 1 WHERE id = $1 AND status = 'open' RETURNING ${INVOICE_COLUMNS}`,
    [id, new Date(nowMs)],
  );
  return only(rows, id);
}

/** What a credit note took off a locked invoice. */
export async function saveCredited(
  tx: Queryable,
  it: Pick<Invoice, "id" | "credited" | "creditedTax">,
): Promise<void> {
  await tx.query("UPDATE invoices SET credited = $2, credited_tax = $3 WHERE id = $1", [
    it.id,
    it.credited.toString(),
    it.creditedTax.toString(),
  ]);
}

/** Those of a locked customer that wait for money, oldest first. */
export async function openInvoices(tx: Queryable, customerId: string): Promise<Invoice[]> {
  return invoicesOf(
    await tx.query(
      `SELECT ${INVOICE_COLUMNS} FROM invoices WHERE customer_id = $1 AND status = 'open'
       ORDER BY finalized_at, sequence`,
      [customerId],
    ),
  );
}

type Filter = {
  /** Whose, without drafts; undefined: everybody's. */
  accountId: string | undefined;
  customerId: string | undefined;
  subscriptionId: string | undefined;
  status: string | undefined;
  after: readonly [createdMs: number, id: string];
  limit: number;
};

/** Newest first, one more than `limit`. */
export async function listInvoices(db: Queryable, it: Filter): Promise<Invoice[]> {
  const rows = await db.query(
    `SELECT ${INVOICE_COLUMNS} FROM invoices
     WHERE ($1::text IS NULL OR (status <> 'draft'
         AND customer_id IN (SELECT id FROM customers WHERE account_id = $1)))
       AND ($2::text IS NULL OR customer_id = $2) AND ($3::text IS NULL OR subscription_id = $3)
       AND ($4::text IS NULL OR status = $4) AND (created_at, id) < ($5, $6)
     ORDER BY created_at DESC, id DESC LIMIT $7`,
    [
      it.accountId ?? null,
      it.customerId ?? null,
      it.subscriptionId ?? null,
      it.status ?? null,
      new Date(it.after[0]),
      it.after[1],
      it.limit + 1,
    ],
  );
  return invoicesOf(rows);
}

function only(rows: readonly unknown[], id: string): Invoice {
  const [invoice] = invoicesOf(rows);
  if (invoice === undefined) throw noInvoice(id);
  return invoice;
}
