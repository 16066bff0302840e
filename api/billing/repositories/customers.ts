import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const CustomerRow = z
  .object({
    id: z.string(),
    account_id: z.string(),
    name: z.string(),
    email: z.string(),
    country: z.string(),
    currency: z.string(),
    credit: MoneyText,
    version: z.number(),
    created_at: TimeMs,
  })
  .transform(({ account_id: accountId, created_at: createdMs, ...row }) => ({
    ...row,
    /** Whom it belongs to. */
    accountId,
    createdMs,
  }));
export type Customer = z.output<typeof CustomerRow>;

const COLUMNS = columns(
  "id, account_id, name, email, country, currency, version, created_at",
  "credit",
);

const customersOf = (rows: readonly unknown[]): Customer[] => parseRows(CustomerRow, rows);

export const noCustomer = (id: string): AppError =>
  new AppError("not_found", `There is no customer ${id}.`);

/** @throws AppError not_found */
export async function readCustomer(db: Queryable, id: string): Promise<Customer> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM customers WHERE id = $1`, [id]);
  const [customer] = customersOf(rows);
  if (customer === undefined) throw noCustomer(id);
  return customer;
}

/**
 * The customer for change. Every change of a customer's books (subscriptions, invoices, credit) begins with this lock,
 * so they happen one after the other and in no deadlock. @throws AppError not_found
 */
export async function lockCustomer(tx: Queryable, id: string): Promise<Customer> {
  const rows = await tx.query(`SELECT ${COLUMNS} FROM customers WHERE id = $1 FOR NO KEY UPDATE`, [
    id,
  ]);
  const [customer] = customersOf(rows);
  if (customer === undefined) throw noCustomer(id);
  return customer;
}

/** Adds to (or, below zero, takes from) the credit of a locked customer; the database refuses less than none. */
export async function addCredit(tx: Queryable, id: string, amount: bigint): Promise<void> {
  await tx.query("UPDATE customers SET credit = credit + $2 WHERE id = $1", [
    id,
    amount.toString(),
  ]);
}

export type NewCustomer = Pick<
  Customer,
  "id" | "accountId" | "name" | "email" | "country" | "currency" | "createdMs"
>;

/** @returns undefined where the account has a customer with this currency already */
export async function insertCustomer(
  tx: Queryable,
  it: NewCustomer,
): Promise<Customer | undefined> {
  const rows = await tx.query(
    `INSERT INTO customers (id, account_id, name, email, country, currency, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [it.id, it.accountId, it.name, it.email, it.country, it.currency, new Date(it.createdMs)],
  );
  return customersOf(rows)[0];
}

export async function updateCustomer(
  tx: Queryable,
  it: Pick<Customer, "id" | "name" | "email" | "country">,
): Promise<Customer> {
  const rows = await tx.query(
    `UPDATE customers SET name = $2, email = $3, country = $4, version = version + 1
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [it.id, it.name, it.email, it.country],
  );
  const [customer] = customersOf(rows);
  if (customer === undefined) throw noCustomer(it.id);
  return customer;
}

export type ListFrom = { limit: number; after: readonly [createdMs: number, id: string] };

/** Newest first; of one account or of all. One more than `limit`, to know whether there is more. */
export async function listCustomers(
  db: Queryable,
  { accountId, limit, after }: ListFrom & { accountId: string | undefined },
): Promise<Customer[]> {
  return customersOf(
    await db.query(
      `SELECT ${COLUMNS} FROM customers
       WHERE ($1::text IS NULL OR account_id = $1) AND (created_at, id) < ($2, $3)
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [accountId ?? null, new Date(after[0]), after[1], limit + 1],
    ),
  );
}
