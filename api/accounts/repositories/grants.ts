import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import type { PageStart } from "./accounts.ts";
import { PRODUCT_SLUG } from "./products.ts";

const grants = table("grants", {
  id: z.string(),
  /** `acc_…` or `svc_…` */
  subjectId: z.string(),
  productId: z.string(),
  product: PRODUCT_SLUG,
  roleId: z.string().nullable(),
  role: z.string().meta({ sql: "(SELECT name FROM roles WHERE roles.id = role_id)" }).nullable(),
  permissions: z.array(z.string()),
  /** null: no end. */
  expiresAtMs: time.nullable(),
  reason: z.string(),
  grantedBy: z.string(),
  version: z.number(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type Grant = RowOf<typeof grants>;

export const readGrant = (db: Queryable, id: string, lock?: "FOR UPDATE") =>
  grants.find(db, { id }, lock);

type Filter = { subjectId: string | undefined; product: string | undefined };

export const listGrants = (
  db: Queryable,
  { subjectId, product, ...page }: PageStart & Filter,
): Promise<Grant[]> =>
  grants.page(db, {
    ...page,
    where: { subjectId },
    and: { "product_id = (SELECT id FROM products WHERE slug = $)": product },
  });

/** @returns undefined if the subject has the role already */
export const insertGrant = (
  tx: Queryable,
  grant: Omit<Grant, "product" | "role" | "version" | "updatedAtMs">,
): Promise<Grant | undefined> =>
  grants.insertIfAbsent(tx, { ...grant, updatedAtMs: grant.createdAtMs });

export const updateGrant = (
  tx: Queryable,
  id: string,
  {
    nowMs,
    ...change
  }: Pick<Grant, "permissions" | "expiresAtMs" | "reason" | "grantedBy"> & {
    nowMs: number;
  },
): Promise<Grant> => grants.update(tx, { id }, { ...change, updatedAtMs: nowMs });

export async function deleteGrant(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM grants WHERE id = $1", [id]);
}
