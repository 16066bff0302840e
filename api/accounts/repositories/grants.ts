import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Grant } from "../domain/products.ts";

const Row = z.object({
  id: z.string(),
  subject_id: z.string(),
  product_id: z.string(),
  product: z.string(),
  role_id: z.string().nullable(),
  role: z.string().nullable(),
  permissions: z.array(z.string()),
  expires_at: z.date().nullable(),
  reason: z.string(),
  granted_by: z.string(),
  version: z.number(),
  created_at: z.date(),
  updated_at: z.date(),
});

function grantOf(row: unknown): Grant {
  const it = Row.parse(row);
  return {
    id: it.id,
    subjectId: it.subject_id,
    productId: it.product_id,
    product: it.product,
    roleId: it.role_id,
    role: it.role,
    permissions: it.permissions,
    expiresAtMs: it.expires_at?.getTime() ?? null,
    reason: it.reason,
    grantedBy: it.granted_by,
    version: it.version,
    createdAtMs: it.created_at.getTime(),
    updatedAtMs: it.updated_at.getTime(),
  };
}

const READ = `SELECT g.*, p.slug AS product, r.name AS role FROM grants g
  JOIN products p ON p.id = g.product_id LEFT JOIN roles r ON r.id = g.role_id`;

export async function readGrant(
  db: Queryable,
  id: string,
  lock?: "for update",
): Promise<Grant | undefined> {
  const locked = lock === undefined ? "" : `${lock} OF g`;
  const [row] = await db.query(`${READ} WHERE g.id = $1 ${locked}`, [id]);
  return row && grantOf(row);
}

export type GrantPage = {
  subjectId: string | undefined;
  product: string | undefined;
  after: readonly [ms: number, id: string] | undefined;
  limit: number;
};

/** The oldest first; one more than `limit`. */
export async function listGrants(db: Queryable, page: GrantPage): Promise<Grant[]> {
  const [ms, id] = page.after ?? [0, ""];
  const rows = await db.query(
    `${READ} WHERE (g.created_at, g.id) > ($1, $2) AND ($3::text IS NULL OR g.subject_id = $3)
     AND ($4::text IS NULL OR p.slug = $4) ORDER BY g.created_at, g.id LIMIT $5`,
    [new Date(ms), id, page.subjectId ?? null, page.product ?? null, page.limit + 1],
  );
  return rows.map(grantOf);
}

/** Gives false where the subject has this role already. */
export async function insertGrant(
  tx: Queryable,
  grant: Omit<Grant, "product" | "role" | "version" | "updatedAtMs">,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO grants (id, subject_id, product_id, role_id, permissions, expires_at, reason, granted_by,
       created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (subject_id, role_id) DO NOTHING RETURNING id`,
    [
      grant.id,
      grant.subjectId,
      grant.productId,
      grant.roleId,
      grant.permissions,
      dateOf(grant.expiresAtMs),
      grant.reason,
      grant.grantedBy,
      new Date(grant.createdAtMs),
    ],
  );
  return rows.length > 0;
}

export async function updateGrant(
  tx: Queryable,
  grant: Pick<Grant, "id" | "permissions" | "expiresAtMs" | "reason" | "grantedBy">,
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE grants SET permissions = $2, expires_at = $3, reason = $4, granted_by = $5, version = version + 1,
     updated_at = $6 WHERE id = $1`,
    [
      grant.id,
      grant.permissions,
      dateOf(grant.expiresAtMs),
      grant.reason,
      grant.grantedBy,
      new Date(nowMs),
    ],
  );
}

export async function deleteGrant(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM grants WHERE id = $1", [id]);
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
