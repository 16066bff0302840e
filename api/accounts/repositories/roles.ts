import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Role } from "../domain/products.ts";
import type { Lock } from "./products.ts";

const Row = z.object({
  id: z.string(),
  product_id: z.string(),
  product: z.string(),
  name: z.string(),
  description: z.string(),
  permissions: z.array(z.string()),
  version: z.number(),
  created_at: z.date(),
  updated_at: z.date(),
});

function roleOf(row: unknown): Role {
  const { product_id, created_at, updated_at, ...rest } = Row.parse(row);
  return {
    ...rest,
    productId: product_id,
    createdAtMs: created_at.getTime(),
    updatedAtMs: updated_at.getTime(),
  };
}

const READ = "SELECT r.*, p.slug AS product FROM roles r JOIN products p ON p.id = r.product_id";

export async function readRole(db: Queryable, id: string, lock?: Lock): Promise<Role | undefined> {
  const locked = lock === undefined ? "" : `${lock} OF r`;
  const [row] = await db.query(`${READ} WHERE r.id = $1 ${locked}`, [id]);
  return row && roleOf(row);
}

export async function readRoleByName(
  tx: Queryable,
  at: { productId: string; name: string },
): Promise<Role | undefined> {
  const [row] = await tx.query(`${READ} WHERE r.product_id = $1 AND r.name = $2 FOR SHARE OF r`, [
    at.productId,
    at.name,
  ]);
  return row && roleOf(row);
}

/** Of a product, by name; one more than `limit`. */
export async function listRoles(
  db: Queryable,
  page: { productId: string; after: string; limit: number },
): Promise<Role[]> {
  const rows = await db.query(
    `${READ} WHERE r.product_id = $1 AND r.name > $2 COLLATE "C" ORDER BY r.name COLLATE "C" LIMIT $3`,
    [page.productId, page.after, page.limit + 1],
  );
  return rows.map(roleOf);
}

/** Gives false where the product has a role of this name. */
export async function insertRole(
  tx: Queryable,
  role: Pick<Role, "id" | "productId" | "name" | "description" | "permissions" | "createdAtMs">,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO roles (id, product_id, name, description, permissions, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (product_id, name) DO NOTHING RETURNING id`,
    [
      role.id,
      role.productId,
      role.name,
      role.description,
      role.permissions,
      new Date(role.createdAtMs),
    ],
  );
  return rows.length > 0;
}

export async function updateRole(
  tx: Queryable,
  role: Pick<Role, "id" | "description" | "permissions">,
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE roles SET description = $2, permissions = $3, version = version + 1, updated_at = $4 WHERE id = $1`,
    [role.id, role.description, role.permissions, new Date(nowMs)],
  );
}

/** Gives false where a grant still has it. */
export async function deleteRole(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.query(
    "DELETE FROM roles WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM grants WHERE role_id = $1) RETURNING id",
    [id],
  );
  return rows.length > 0;
}
