import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { TimeMs, parseRows } from "./rows.ts";

const MethodRow = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    gateway: z.string(),
    token: z.string(),
    brand: z.string(),
    last4: z.string(),
    exp_month: z.number(),
    exp_year: z.number(),
    fingerprint: z.string(),
    is_default: z.boolean(),
    version: z.number(),
    created_at: TimeMs,
  })
  .transform((row) => ({
    id: row.id,
    customerId: row.customer_id,
    gateway: row.gateway,
    /** Of the gateway; nothing that anybody is shown. */
    token: row.token,
    brand: row.brand,
    last4: row.last4,
    expMonth: row.exp_month,
    expYear: row.exp_year,
    fingerprint: row.fingerprint,
    isDefault: row.is_default,
    version: row.version,
    createdMs: row.created_at,
  }));
export type PaymentMethod = z.output<typeof MethodRow>;
const COLUMNS =
  "id, customer_id, gateway, token, brand, last4, exp_month, exp_year, fingerprint, is_default, version, created_at";
const methodsOf = (rows: readonly unknown[]): PaymentMethod[] => parseRows(MethodRow, rows);

export const noMethod = (id: string): AppError =>
  new AppError("not_found", `There is no payment method ${id}.`);

/** Adds a method of a locked customer; the first one becomes the default. */
export async function insertMethod(
  tx: Queryable,
  it: Omit<PaymentMethod, "isDefault" | "version">,
): Promise<PaymentMethod> {
  const rows = await tx.query(
    `INSERT INTO payment_methods
       (id, customer_id, gateway, token, brand, last4, exp_month, exp_year, fingerprint, created_at, is_default)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NOT EXISTS (
       SELECT FROM payment_methods WHERE customer_id = $2 AND is_default AND removed_at IS NULL))
     RETURNING ${COLUMNS}`,
    [
      it.id,
      it.customerId,
      it.gateway,
      it.token,
      it.brand,
      it.last4,
      it.expMonth,
      it.expYear,
      it.fingerprint,
      new Date(it.createdMs),
    ],
  );
  const [method] = methodsOf(rows);
  if (method === undefined) throw noMethod(it.id);
  return method;
}

/** One that was not removed. @throws AppError not_found */
export async function readMethod(db: Queryable, id: string): Promise<PaymentMethod> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM payment_methods WHERE id = $1 AND removed_at IS NULL`,
    [id],
  );
  const [method] = methodsOf(rows);
  if (method === undefined) throw noMethod(id);
  return method;
}

/** Also one that was removed meanwhile: what was begun with it goes on. */
export async function readMethodOfPayment(db: Queryable, id: string): Promise<PaymentMethod> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM payment_methods WHERE id = $1`, [id]);
  const [method] = methodsOf(rows);
  if (method === undefined) throw noMethod(id);
  return method;
}

/** The customer's method by this id; the default where none is named. */
export async function findMethodOf(
  db: Queryable,
  customerId: string,
  id: string | undefined,
): Promise<PaymentMethod | undefined> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM payment_methods
     WHERE customer_id = $1 AND removed_at IS NULL AND (id = $2 OR ($2::text IS NULL AND is_default))`,
    [customerId, id ?? null],
  );
  return methodsOf(rows)[0];
}

/** Oldest first; one more than `limit`. */
export async function listMethods(
  db: Queryable,
  it: { customerId: string; limit: number; after: readonly [createdMs: number, id: string] },
): Promise<PaymentMethod[]> {
  return methodsOf(
    await db.query(
      `SELECT ${COLUMNS} FROM payment_methods
       WHERE customer_id = $1 AND removed_at IS NULL AND (created_at, id) > ($2, $3)
       ORDER BY created_at, id LIMIT $4`,
      [it.customerId, new Date(it.after[0]), it.after[1], it.limit + 1],
    ),
  );
}

/** Makes a method of a locked customer the default, in the place of another. */
export async function makeDefault(tx: Queryable, it: PaymentMethod): Promise<PaymentMethod> {
  await tx.query(
    `UPDATE payment_methods SET is_default = false, version = version + 1
     WHERE customer_id = $1 AND is_default AND id <> $2`,
    [it.customerId, it.id],
  );
  const rows = await tx.query(
    `UPDATE payment_methods SET is_default = true, version = version + 1 WHERE id = $1 RETURNING ${COLUMNS}`,
    [it.id],
  );
  const [method] = methodsOf(rows);
  if (method === undefined) throw noMethod(it.id);
  return method;
}

export async function removeMethod(tx: Queryable, id: string, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE payment_methods SET removed_at = $2, is_default = false, version = version + 1 WHERE id = $1`,
    [id, new Date(nowMs)],
  );
}
