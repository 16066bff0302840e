import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { ServiceAccount } from "../domain/api-keys.ts";

const Row = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  disabled: z.boolean(),
  version: z.number(),
  created_by: z.string(),
  created_at: z.date(),
  updated_at: z.date(),
});

function accountOf(row: unknown): ServiceAccount {
  const { created_by, created_at, updated_at, ...rest } = Row.parse(row);
  return {
    ...rest,
    createdBy: created_by,
    createdAtMs: created_at.getTime(),
    updatedAtMs: updated_at.getTime(),
  };
}

/** Whether there is such an account or service account; it stays until the transaction ends. */
export async function subjectExists(tx: Queryable, id: string): Promise<boolean> {
  const rows = id.startsWith("svc_")
    ? await tx.query("SELECT 1 FROM service_accounts WHERE id = $1 FOR KEY SHARE", [id])
    : await tx.query("SELECT 1 FROM accounts WHERE id = $1 AND closed_at IS NULL FOR SHARE", [id]);
  return rows.length > 0;
}

/** Whether there is such a service account, and nobody has disabled it. */
export const serviceAccountWorks = async (db: Queryable, id: string): Promise<boolean> =>
  (await db.query("SELECT 1 FROM service_accounts WHERE id = $1 AND NOT disabled", [id])).length >
  0;

export async function readServiceAccount(
  db: Queryable,
  id: string,
  lock: "" | "FOR SHARE" | "FOR UPDATE" = "",
): Promise<ServiceAccount | undefined> {
  const [row] = await db.query(`SELECT * FROM service_accounts WHERE id = $1 ${lock}`, [id]);
  return row && accountOf(row);
}

/** The oldest first; one more than `limit`. */
export async function listServiceAccounts(
  db: Queryable,
  page: { after: readonly [ms: number, id: string] | undefined; limit: number },
): Promise<ServiceAccount[]> {
  const [ms, id] = page.after ?? [0, ""];
  const rows = await db.query(
    "SELECT * FROM service_accounts WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
    [new Date(ms), id, page.limit + 1],
  );
  return rows.map(accountOf);
}

/** Gives undefined where the name is taken. */
export async function insertServiceAccount(
  tx: Queryable,
  it: Pick<ServiceAccount, "id" | "name" | "description" | "createdBy" | "createdAtMs">,
): Promise<ServiceAccount | undefined> {
  const [row] = await tx.query(
    `INSERT INTO service_accounts (id, name, description, created_by, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (name) DO NOTHING RETURNING *`,
    [it.id, it.name, it.description, it.createdBy, new Date(it.createdAtMs)],
  );
  return row && accountOf(row);
}

export async function updateServiceAccount(
  tx: Queryable,
  it: Pick<ServiceAccount, "id" | "description" | "disabled">,
  nowMs: number,
): Promise<ServiceAccount> {
  const [row] = await tx.query(
    `UPDATE service_accounts SET description = $2, disabled = $3, version = version + 1, updated_at = $4
     WHERE id = $1 RETURNING *`,
    [it.id, it.description, it.disabled, new Date(nowMs)],
  );
  return accountOf(row);
}

/** With its keys and its grants. */
export async function deleteServiceAccount(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM grants WHERE subject_id = $1", [id]);
  await tx.query("DELETE FROM service_accounts WHERE id = $1", [id]);
}
