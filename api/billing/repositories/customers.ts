import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { type PageStart, found, moneyColumn, notFound } from "./columns.ts";

const customers = table("customers", {
  id: z.string(),
  accountId: z.string(),
  name: z.string(),
  email: z.string(),
  country: z.string(),
  currency: z.string(),
  credit: moneyColumn,
  version: z.number(),
  createdAtMs: time,
});
export type Customer = RowOf<typeof customers>;

export const noCustomer = (id: string): AppError => notFound("customer", id);

/** @throws AppError not_found */
export const readCustomer = async (db: Queryable, id: string): Promise<Customer> =>
  found(await customers.find(db, { id }), "customer", id);

/**
 * Every change of a customer's subscriptions, invoices, payments or credit takes this lock first, so that such changes
 * are serialised and cannot deadlock. @throws AppError not_found
 */
export const lockCustomer = async (tx: Queryable, id: string): Promise<Customer> =>
  found(await customers.find(tx, { id }, "FOR NO KEY UPDATE"), "customer", id);

/** Changes the credit of a locked customer; the database refuses a negative balance. */
export async function addCredit(tx: Queryable, id: string, amount: bigint): Promise<void> {
  await tx.query("UPDATE customers SET credit = credit + $2 WHERE id = $1", [id, String(amount)]);
}

/** @returns undefined if the account already has a customer in this currency */
export const insertCustomer = (
  tx: Queryable,
  it: Omit<Customer, "credit" | "version">,
): Promise<Customer | undefined> => customers.insertIfAbsent(tx, it);

export const updateCustomer = (
  tx: Queryable,
  id: string,
  changes: Pick<Customer, "name" | "email" | "country">,
): Promise<Customer> => customers.update(tx, { id }, changes);

/** Customers of one account, or all customers. */
export const listCustomers = (
  db: Queryable,
  { accountId, ...page }: PageStart & { accountId: string | undefined },
): Promise<Customer[]> => customers.page(db, { ...page, where: { accountId } });
