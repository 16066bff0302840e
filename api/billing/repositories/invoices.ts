import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import {
  INVOICE_STATUSES,
  type InvoiceLine,
  type InvoiceTotals,
  LINE_KINDS,
} from "../domain/invoice.ts";
import { ZERO } from "../domain/money.ts";
import type { Numbered } from "../domain/numbering.ts";
import { OF_ACCOUNT, type PageStart, found, moneyColumn, notFound } from "./columns.ts";
import { lockCustomer } from "./customers.ts";

const invoices = table("invoices", {
  id: z.string(),
  customerId: z.string(),
  subscriptionId: z.string().nullable(),
  status: z.enum(INVOICE_STATUSES),
  series: z.string().nullable(),
  sequence: z.number().nullable(),
  number: z.string().nullable(),
  currency: z.string(),
  subtotal: moneyColumn,
  discount: moneyColumn,
  tax: moneyColumn,
  total: moneyColumn,
  /** Paid by the customer's credit; negative: a negative total was added to it. */
  creditApplied: moneyColumn,
  amountDue: moneyColumn,
  amountPaid: moneyColumn,
  /** Total of its credit notes. */
  credited: moneyColumn,
  creditedTax: moneyColumn,
  /** Turned into credit when the subscription was changed or canceled. */
  prorated: moneyColumn,
  memo: z.string(),
  dueDays: z.number(),
  createdAtMs: time,
  finalizedAtMs: time.nullable(),
  dueAtMs: time.nullable(),
  paidAtMs: time.nullable(),
  voidedAtMs: time.nullable(),
  /** The payment that paid it; null if it is unpaid or was paid by credit. */
  paymentId: z.string().nullable(),
  version: z.number(),
});
export type Invoice = RowOf<typeof invoices>;

/** Line times also come as text, from JSON. */
const lineTime = z.codec(z.union([z.date(), z.string()]), z.number(), {
  decode: (it) => new Date(it).getTime(),
  encode: (ms) => new Date(ms),
});
const lines = table("invoice_lines", {
  invoiceId: z.string(),
  position: z.number(),
  kind: z.enum(LINE_KINDS),
  description: z.string(),
  quantity: z.number(),
  unitAmount: moneyColumn,
  amount: moneyColumn,
  discount: moneyColumn,
  taxBasisPoints: z.number().meta({ column: "tax_rate_bp" }),
  taxInclusive: z.boolean(),
  tax: moneyColumn,
  total: moneyColumn,
  startsAtMs: lineTime.nullable(),
  endsAtMs: lineTime.nullable(),
});

function lineOf(row: RowOf<typeof lines>): InvoiceLine {
  const {
    taxBasisPoints: basisPoints,
    taxInclusive: inclusive,
    startsAtMs,
    endsAtMs,
    ...rest
  } = row;
  const period =
    startsAtMs === null || endsAtMs === null ? undefined : { startMs: startsAtMs, endMs: endsAtMs };
  return { ...rest, taxRate: { basisPoints, inclusive }, period };
}

export const noInvoice = (id: string): AppError => notFound("invoice", id);

/** @throws AppError not_found */
export const readInvoice = async (db: Queryable, id: string): Promise<Invoice> =>
  found(await invoices.find(db, { id }), "invoice", id);

/** Locks the invoice, and its customer before it (`lockCustomer`). @throws AppError not_found */
export async function lockInvoice(tx: Queryable, id: string): Promise<Invoice> {
  const { customerId } = await readInvoice(tx, id);
  await lockCustomer(tx, customerId);
  return found(await invoices.find(tx, { id }, "FOR NO KEY UPDATE"), "invoice", id);
}

export async function readLines(db: Queryable, invoiceId: string): Promise<InvoiceLine[]> {
  const rows = await db.query(
    `SELECT ${lines.columns} FROM invoice_lines WHERE invoice_id = $1 ORDER BY position`,
    [invoiceId],
  );
  return lines.parse(rows).map(lineOf);
}

const WithLines = z.object({ account_id: z.string(), lines: z.array(z.unknown()) });

/**
 * The invoice, its lines and its account, read by one statement so that they are consistent.
 * @throws AppError not_found
 */
export async function readInvoiceWithLines(
  db: Queryable,
  id: string,
): Promise<{ invoice: Invoice; lines: InvoiceLine[]; accountId: string }> {
  const rows = await db.query(
    `SELECT ${invoices.columns}, (SELECT account_id FROM customers WHERE customers.id = customer_id) AS account_id,
       (SELECT coalesce(json_agg(line), '[]') FROM (
         SELECT ${lines.columns} FROM invoice_lines WHERE invoice_id = invoices.id ORDER BY position) AS line) AS lines
     FROM invoices WHERE id = $1`,
    [id],
  );
  const invoice = found(invoices.parse(rows)[0], "invoice", id);
  const joined = WithLines.parse(rows[0]);
  return {
    invoice,
    lines: lines.parse(joined.lines).map(lineOf),
    accountId: joined.account_id,
  };
}

const insertLines = (tx: Queryable, invoiceId: string, drafts: readonly InvoiceLine[]) =>
  lines.insertAll(
    tx,
    drafts.map(({ taxRate, period, ...line }, index) => ({
      ...line,
      invoiceId,
      position: index + 1,
      taxBasisPoints: taxRate.basisPoints,
      taxInclusive: taxRate.inclusive,
      startsAtMs: period?.startMs ?? null,
      endsAtMs: period?.endMs ?? null,
    })),
  );

type Draft = Pick<Invoice, "memo" | "dueDays"> & {
  lines: readonly InvoiceLine[];
  totals: InvoiceTotals;
};
type NewDraft = Draft &
  Pick<Invoice, "id" | "customerId" | "subscriptionId" | "currency" | "createdAtMs">;

export async function insertDraft(tx: Queryable, it: NewDraft): Promise<Invoice> {
  const amountDue = ZERO;
  const invoice = await invoices.insert(tx, { ...it, ...it.totals, status: "draft", amountDue });
  await insertLines(tx, it.id, it.lines);
  return invoice;
}

/** Replaces the contents of a locked draft. */
export async function replaceDraft(tx: Queryable, id: string, it: Draft): Promise<Invoice> {
  const { memo, dueDays, totals } = it;
  const invoice = await invoices.update(tx, { id, status: "draft" }, { memo, dueDays, ...totals });
  await tx.query("DELETE FROM invoice_lines WHERE invoice_id = $1", [id]);
  await insertLines(tx, id, it.lines);
  return invoice;
}

/** Deletes a locked draft; it has no number yet. */
export async function deleteDraft(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM invoice_lines WHERE invoice_id = $1", [id]);
  await tx.query("DELETE FROM invoices WHERE id = $1 AND status = 'draft'", [id]);
}

type Finalized = Pick<
  Invoice,
  "status" | "creditApplied" | "amountDue" | "finalizedAtMs" | "dueAtMs" | "paidAtMs"
> &
  Numbered;

export const saveFinalized = (tx: Queryable, id: string, it: Finalized): Promise<Invoice> =>
  invoices.update(tx, { id, status: "draft" }, it);

type Changes = Partial<
  Pick<
    Invoice,
    | "status"
    | "amountDue"
    | "amountPaid"
    | "creditApplied"
    | "credited"
    | "creditedTax"
    | "paidAtMs"
    | "voidedAtMs"
    | "paymentId"
  >
>;

/** Saves the next version of a locked invoice. */
export const updateInvoice = (tx: Queryable, id: string, changes: Changes): Promise<Invoice> =>
  invoices.update(tx, { id }, changes);

/** Open invoices of a locked customer, oldest first. */
export async function openInvoices(tx: Queryable, customerId: string): Promise<Invoice[]> {
  const rows = await tx.query(
    `SELECT ${invoices.columns} FROM invoices WHERE customer_id = $1 AND status = 'open'
     ORDER BY finalized_at, sequence`,
    [customerId],
  );
  return invoices.parse(rows);
}

type Filter = Partial<Record<"accountId" | "customerId" | "subscriptionId", string | undefined>> & {
  status?: Invoice["status"] | undefined;
};

/** The invoices of one account without its drafts, or all invoices. */
export const listInvoices = (
  db: Queryable,
  { accountId, customerId, subscriptionId, status, ...page }: PageStart & Filter,
): Promise<Invoice[]> =>
  invoices.page(db, {
    ...page,
    where: { customerId, subscriptionId, status },
    and: { [`status <> 'draft' AND ${OF_ACCOUNT}`]: accountId },
  });
