import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { type PageStart, found, notFound } from "./columns.ts";

const methods = table("payment_methods", {
  id: z.string(),
  customerId: z.string(),
  gateway: z.string(),
  /** Issued by the gateway; never returned to clients. */
  token: z.string(),
  brand: z.string(),
  last4: z.string(),
  expMonth: z.number(),
  expYear: z.number(),
  fingerprint: z.string(),
  isDefault: z.boolean(),
  removedAtMs: time.nullable(),
  version: z.number(),
  createdAtMs: time,
});
export type PaymentMethod = RowOf<typeof methods>;

export const noMethod = (id: string): AppError => notFound("payment method", id);

const unlessRemoved = (method: PaymentMethod | undefined): PaymentMethod | undefined =>
  method?.removedAtMs === null ? method : undefined;

/** Adds a method to a locked customer; the first one becomes the default. */
export async function insertMethod(
  tx: Queryable,
  it: Omit<PaymentMethod, "isDefault" | "removedAtMs" | "version">,
): Promise<PaymentMethod> {
  const isDefault = (await findMethodOf(tx, it.customerId, undefined)) === undefined;
  return methods.insert(tx, { ...it, isDefault });
}

/** @throws AppError not_found, also for a removed method */
export const readMethod = async (db: Queryable, id: string): Promise<PaymentMethod> =>
  found(unlessRemoved(await methods.find(db, { id })), "payment method", id);

/** Also a removed method, as a payment that was started with it continues. */
export const readMethodOfPayment = async (db: Queryable, id: string): Promise<PaymentMethod> =>
  found(await methods.find(db, { id }), "payment method", id);

/** The customer's method with this id; without an id its default. */
export const findMethodOf = async (
  db: Queryable,
  customerId: string,
  id: string | undefined,
): Promise<PaymentMethod | undefined> =>
  unlessRemoved(
    await methods.find(db, id === undefined ? { customerId, isDefault: true } : { customerId, id }),
  );

export const listMethods = (
  db: Queryable,
  { customerId, ...page }: PageStart & { customerId: string },
): Promise<PaymentMethod[]> =>
  methods.page(db, {
    ...page,
    where: { customerId },
    and: { "(removed_at IS NULL) = $": true },
  });

/** Makes a method the default of its locked customer. */
export async function makeDefault(tx: Queryable, it: PaymentMethod): Promise<PaymentMethod> {
  await tx.query(
    `UPDATE payment_methods SET is_default = false, version = version + 1
     WHERE customer_id = $1 AND is_default AND id <> $2`,
    [it.customerId, it.id],
  );
  return methods.update(tx, { id: it.id }, { isDefault: true });
}

export async function removeMethod(tx: Queryable, id: string, nowMs: number): Promise<void> {
  await methods.update(tx, { id }, { removedAtMs: nowMs, isDefault: false });
}
