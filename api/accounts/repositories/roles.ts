import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { type Lock, PRODUCT_SLUG } from "./products.ts";

const roles = table("roles", {
  id: z.string(),
  productId: z.string(),
  product: PRODUCT_SLUG,
  name: z.string(),
  description: z.string(),
  permissions: z.array(z.string()),
  version: z.number(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type Role = RowOf<typeof roles>;

export const readRole = (db: Queryable, id: string, lock?: Lock): Promise<Role | undefined> =>
  roles.find(db, { id }, lock);

export const readRoleByName = (
  tx: Queryable,
  by: { productId: string; name: string },
): Promise<Role | undefined> => roles.find(tx, by, "FOR SHARE");

/** Roles of a product by name; one more than `limit`. */
export async function listRoles(
  db: Queryable,
  page: { productId: string; after: string; limit: number },
): Promise<Role[]> {
  const rows = await db.query(
    `SELECT ${roles.columns} FROM roles
     WHERE product_id = $1 AND name > $2 COLLATE "C" ORDER BY name COLLATE "C" LIMIT $3`,
    [page.productId, page.after, page.limit + 1],
  );
  return roles.parse(rows);
}

/** @returns undefined if the product has a role of this name */
export const insertRole = (
  tx: Queryable,
  it: Omit<Role, "product" | "version" | "updatedAtMs">,
): Promise<Role | undefined> => roles.insertIfAbsent(tx, { ...it, updatedAtMs: it.createdAtMs });

type RoleChange = { [Name in "description" | "permissions"]?: Role[Name] | undefined };

/** Undefined fields stay unchanged. */
export const updateRole = (
  tx: Queryable,
  id: string,
  { nowMs, ...change }: RoleChange & { nowMs: number },
): Promise<Role> => roles.update(tx, { id }, { ...change, updatedAtMs: nowMs });

/** @returns false if a grant contains the role */
export async function deleteRole(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.query(
    "DELETE FROM roles WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM grants WHERE role_id = $1) RETURNING id",
    [id],
  );
  return rows.length > 0;
}
