import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type PageOptions, type RowOf, optional, table, time } from "#platform/postgres/table.ts";

const accounts = table("accounts", {
  id: z.string(),
  /** Lower case; undefined once the account is closed. */
  email: optional(z.string()),
  emailVerified: z.boolean(),
  name: z.string(),
  passwordHash: optional(z.string()),
  version: z.number(),
  createdAtMs: time,
  updatedAtMs: time,
  closedAtMs: optional(time),
});
export type Account = RowOf<typeof accounts>;
/** The start of a page of a list. */
export type PageStart = Pick<PageOptions<unknown>, "limit" | "after" | "order">;

/** @returns undefined if the address is taken */
export const insertAccount = (
  db: Queryable,
  {
    nowMs,
    ...it
  }: { id: string; email: string; name: string; passwordHash: string; nowMs: number },
): Promise<Account | undefined> =>
  accounts.insertIfAbsent(db, { ...it, createdAtMs: nowMs, updatedAtMs: nowMs });

/** A closed account has no address. */
export const findAccountByEmail = (db: Queryable, email: string): Promise<Account | undefined> =>
  accounts.find(db, { email });

export const findAccount = (
  db: Queryable,
  id: string,
  lock?: "lock",
): Promise<Account | undefined> => accounts.find(db, { id }, lock && "FOR UPDATE");

export const listAccounts = (
  db: Queryable,
  { email, ...page }: PageStart & { email: string | undefined },
): Promise<Account[]> => accounts.page(db, { ...page, where: { email } });

/** Changes a locked account; undefined values are kept. The database refuses an address that is taken (23505). */
export const changeAccount = (
  tx: Queryable,
  id: string,
  {
    verifiedEmail: email,
    nowMs: updatedAtMs,
    ...change
  }: {
    name?: string | undefined;
    passwordHash?: string | undefined;
    verifiedEmail?: string | undefined;
    nowMs: number;
  },
): Promise<Account> =>
  accounts.update(
    tx,
    { id },
    { ...change, updatedAtMs, ...(email === undefined ? {} : { email, emailVerified: true }) },
  );

/** Closes a locked account and erases its personal data and access; other records still refer to its id. */
export async function eraseAccount(tx: Queryable, id: string, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE accounts SET closed_at = $2, updated_at = $2, version = version + 1, email = NULL, name = '',
       password_hash = NULL, email_verified = false WHERE id = $1 AND closed_at IS NULL`,
    [id, new Date(nowMs)],
  );
  await deleteCredentials(tx, id);
  await tx.query("DELETE FROM mail_tokens WHERE account_id = $1", [id]);
  await tx.query("DELETE FROM grants WHERE subject_id = $1", [id]);
}

/** Deletes passkeys and the second factor. */
export async function deleteCredentials(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM totp WHERE account_id = $1", [id]);
  await tx.query("DELETE FROM recovery_codes WHERE account_id = $1", [id]);
  await tx.query("DELETE FROM passkeys WHERE account_id = $1", [id]);
}
