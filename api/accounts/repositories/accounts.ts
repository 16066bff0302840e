import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Account } from "../domain/account.ts";

const COLUMNS =
  "id, email, email_verified, name, version, created_at, updated_at, closed_at, password_hash";

const Row = z.object({
  id: z.string(),
  email: z.string().nullable(),
  email_verified: z.boolean(),
  name: z.string(),
  version: z.number(),
  created_at: z.date(),
  updated_at: z.date(),
  closed_at: z.date().nullable(),
  password_hash: z.string().nullable(),
});

export type AccountWithHash = Account & { passwordHash: string | undefined };

function accountOf(value: unknown): AccountWithHash {
  const row = Row.parse(value);
  return {
    id: row.id,
    email: row.email ?? undefined,
    emailVerified: row.email_verified,
    name: row.name,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
    closedAtMs: row.closed_at?.getTime(),
    passwordHash: row.password_hash ?? undefined,
  };
}

const first = (rows: readonly unknown[]): AccountWithHash | undefined =>
  rows.length === 0 ? undefined : accountOf(rows[0]);

/** A new account, or undefined when its address is taken. */
export async function insertAccount(
  db: Queryable,
  of: { id: string; email: string; name: string; passwordHash: string; nowMs: number },
): Promise<Account | undefined> {
  return first(
    await db.query(
      `INSERT INTO accounts (id, email, name, password_hash, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
      [of.id, of.email, of.name, of.passwordHash, new Date(of.nowMs)],
    ),
  );
}

/** An account that is open, by its address. */
export const findAccountByEmail = async (
  db: Queryable,
  email: string,
): Promise<AccountWithHash | undefined> =>
  first(
    await db.query(`SELECT ${COLUMNS} FROM accounts WHERE email = $1 AND closed_at IS NULL`, [
      email,
    ]),
  );

/** `lock`: nobody else changes it before the transaction ends. */
export const findAccount = async (
  db: Queryable,
  id: string,
  lock?: "lock",
): Promise<AccountWithHash | undefined> =>
  first(
    await db.query(
      `SELECT ${COLUMNS} FROM accounts WHERE id = $1${lock === undefined ? "" : " FOR UPDATE"}`,
      [id],
    ),
  );

export async function listAccounts(
  db: Queryable,
  query: { email: string | undefined; after: readonly [string, string] | undefined; limit: number },
): Promise<Account[]> {
  const [at, id] = query.after ?? [null, null];
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM accounts WHERE ($1::text IS NULL OR email = $1)
       AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3)) ORDER BY created_at, id LIMIT $4`,
    [query.email ?? null, at, id, query.limit + 1],
  );
  return rows.map(accountOf);
}

type Change = {
  name?: string | undefined;
  passwordHash?: string | undefined;
  /** A proven address. */
  verifiedEmail?: string | undefined;
};

/** Changes an account that its caller has locked. A taken address breaks the unique constraint. */
export const changeAccount = async (
  tx: Queryable,
  id: string,
  change: Change & { nowMs: number },
): Promise<Account | undefined> =>
  first(
    await tx.query(
      `UPDATE accounts SET name = coalesce($2, name), password_hash = coalesce($3, password_hash),
         email = coalesce($4, email), email_verified = email_verified OR $4::text IS NOT NULL,
         version = version + 1, updated_at = $5
       WHERE id = $1 AND closed_at IS NULL RETURNING ${COLUMNS}`,
      [
        id,
        change.name ?? null,
        change.passwordHash ?? null,
        change.verifiedEmail ?? null,
        new Date(change.nowMs),
      ],
    ),
  );

/** Closes it and erases who it was and what it may; its id stays, as others refer to it. */
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

/** Passkeys and the second factor: all that signs somebody in, or keeps them out, beside the password. */
export async function deleteCredentials(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM totp WHERE account_id = $1", [id]);
  await tx.query("DELETE FROM recovery_codes WHERE account_id = $1", [id]);
  await tx.query("DELETE FROM passkeys WHERE account_id = $1", [id]);
}
