import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import type { PageStart } from "./accounts.ts";

const serviceAccounts = table("service_accounts", {
  /** `svc_…` */
  id: z.string(),
  name: z.string(),
  description: z.string(),
  /** Its keys and tokens are refused. */
  disabled: z.boolean(),
  version: z.number(),
  createdBy: z.string(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type ServiceAccount = RowOf<typeof serviceAccounts>;

/** Whether there is such an open account or service account; locks it. */
export async function subjectExists(tx: Queryable, id: string): Promise<boolean> {
  const rows = id.startsWith("svc_")
    ? await tx.query("SELECT 1 FROM service_accounts WHERE id = $1 FOR KEY SHARE", [id])
    : await tx.query("SELECT 1 FROM accounts WHERE id = $1 AND closed_at IS NULL FOR SHARE", [id]);
  return rows.length > 0;
}

export const isServiceAccountEnabled = async (db: Queryable, id: string): Promise<boolean> =>
  (await serviceAccounts.find(db, { id, disabled: false })) !== undefined;

export const readServiceAccount = (
  db: Queryable,
  id: string,
  lock?: "FOR SHARE" | "FOR UPDATE",
): Promise<ServiceAccount | undefined> => serviceAccounts.find(db, { id }, lock);

export const listServiceAccounts = (db: Queryable, page: PageStart): Promise<ServiceAccount[]> =>
  serviceAccounts.page(db, page);

/** @returns undefined if the name is taken */
export const insertServiceAccount = (
  tx: Queryable,
  it: Omit<ServiceAccount, "disabled" | "version" | "updatedAtMs">,
): Promise<ServiceAccount | undefined> =>
  serviceAccounts.insertIfAbsent(tx, { ...it, updatedAtMs: it.createdAtMs });

type Change = { [Name in "description" | "disabled"]?: ServiceAccount[Name] | undefined };

/** Undefined fields stay unchanged. */
export const updateServiceAccount = (
  tx: Queryable,
  id: string,
  { nowMs, ...change }: Change & { nowMs: number },
): Promise<ServiceAccount> => serviceAccounts.update(tx, { id }, { ...change, updatedAtMs: nowMs });

/** Also deletes its keys and grants. */
export async function deleteServiceAccount(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM grants WHERE subject_id = $1", [id]);
  await tx.query("DELETE FROM service_accounts WHERE id = $1", [id]);
}
