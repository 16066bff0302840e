import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { HeldPermission } from "../domain/grants.ts";

const Row = z.object({ permission: z.string(), until: z.date().nullable() });

/** The permissions of an account or service account on a product, by roles and directly, sorted. */
export async function heldPermissions(
  db: Queryable,
  subjectId: string,
  at: { product: string; nowMs: number },
): Promise<HeldPermission[]> {
  const rows = await db.query(
    `SELECT permission, CASE WHEN bool_or(g.expires_at IS NULL) THEN NULL ELSE max(g.expires_at) END AS until
     FROM grants g JOIN products p ON p.id = g.product_id LEFT JOIN roles r ON r.id = g.role_id
     CROSS JOIN LATERAL unnest(g.permissions || coalesce(r.permissions, '{}')) AS permission
     WHERE g.subject_id = $1 AND p.slug = $2 AND (g.expires_at IS NULL OR g.expires_at > $3)
     GROUP BY permission ORDER BY permission COLLATE "C"`,
    [subjectId, at.product, new Date(at.nowMs)],
  );
  return z
    .array(Row)
    .parse(rows)
    .map(({ permission, until }) => ({ permission, untilMs: until?.getTime() }));
}

/** The length of a token's `scope` for a subject, or the longest for all subjects with a role. */
export async function scopeChars(
  db: Queryable,
  of: { productId: string; subjectId?: string; roleId?: string },
  nowMs: number,
): Promise<number> {
  const [row] = await db.query(
    `SELECT coalesce(max(chars), 0) AS chars FROM (
       SELECT sum(length(permission) + 1) AS chars FROM (
         SELECT DISTINCT g.subject_id, permission FROM grants g LEFT JOIN roles r ON r.id = g.role_id
         CROSS JOIN LATERAL unnest(g.permissions || coalesce(r.permissions, '{}')) AS permission
         WHERE g.product_id = $1 AND ($2::text IS NULL OR g.subject_id = $2)
           AND ($3::text IS NULL OR g.subject_id IN (SELECT subject_id FROM grants WHERE role_id = $3))
           AND (g.expires_at IS NULL OR g.expires_at > $4)) AS held GROUP BY subject_id) AS scopes`,
    [of.productId, of.subjectId ?? null, of.roleId ?? null, new Date(nowMs)],
  );
  return Number(row?.["chars"]);
}

export async function permissionsOf(
  db: Queryable,
  subjectId: string,
  at: { product: string; nowMs: number },
): Promise<string[]> {
  return (await heldPermissions(db, subjectId, at)).map((it) => it.permission);
}
