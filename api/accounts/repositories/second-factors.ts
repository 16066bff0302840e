import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, table, time } from "#platform/postgres/table.ts";

const totps = table("totp", {
  accountId: z.string(),
  /** Encrypted. */
  secret: bytes,
  createdAtMs: time,
  confirmedAtMs: time.nullable(),
  lastStep: z.number(),
});
/** The authenticator app of an account. */
export type StoredTotp = RowOf<typeof totps>;

export const readTotp = (db: Queryable, accountId: string): Promise<StoredTotp | undefined> =>
  totps.find(db, { accountId });

const changesRow = async (
  tx: Queryable,
  sql: string,
  values: readonly unknown[],
): Promise<boolean> => (await tx.query(`${sql} RETURNING 1`, values)).length > 0;

/** Saves a secret to be confirmed, in place of an unconfirmed one. @returns false if one is in use */
export const enrolTotp = (
  tx: Queryable,
  of: { accountId: string; secret: Buffer; nowMs: number },
): Promise<boolean> =>
  changesRow(
    tx,
    `INSERT INTO totp AS t (account_id, secret, created_at) VALUES ($1, $2, $3)
     ON CONFLICT (account_id) DO UPDATE SET secret = $2, created_at = $3 WHERE t.confirmed_at IS NULL`,
    [of.accountId, of.secret, new Date(of.nowMs)],
  );

export const confirmTotp = (
  tx: Queryable,
  { accountId, step, nowMs }: { accountId: string; step: number; nowMs: number },
): Promise<StoredTotp> => totps.update(tx, { accountId }, { confirmedAtMs: nowMs, lastStep: step });

/** Uses the code of a time step, and invalidates those before it. @returns false if it was used already */
export const consumeTotpStep = (tx: Queryable, accountId: string, step: number): Promise<boolean> =>
  changesRow(
    tx,
    "UPDATE totp SET last_step = $2 WHERE account_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL",
    [accountId, step],
  );

export async function hasRecoveryCode(
  db: Queryable,
  accountId: string,
  hash: Buffer,
): Promise<boolean> {
  const sql = "SELECT 1 FROM recovery_codes WHERE account_id = $1 AND hash = $2";
  return (await db.query(sql, [accountId, hash])).length > 0;
}

/** @returns false if it was used already */
export const consumeRecoveryCode = (
  tx: Queryable,
  accountId: string,
  hash: Buffer,
): Promise<boolean> =>
  changesRow(tx, "DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2", [
    accountId,
    hash,
  ]);

export async function countRecoveryCodes(db: Queryable, accountId: string): Promise<number> {
  const [row] = await db.query("SELECT count(*) AS n FROM recovery_codes WHERE account_id = $1", [
    accountId,
  ]);
  return Number(row?.["n"]);
}

export async function replaceRecoveryCodes(
  tx: Queryable,
  accountId: string,
  hashes: readonly Buffer[],
): Promise<void> {
  await tx.query("DELETE FROM recovery_codes WHERE account_id = $1", [accountId]);
  await tx.query("INSERT INTO recovery_codes (account_id, hash) SELECT $1, unnest($2::bytea[])", [
    accountId,
    hashes,
  ]);
}

export async function deleteSecondFactor(tx: Queryable, accountId: string): Promise<void> {
  await tx.query("DELETE FROM recovery_codes WHERE account_id = $1", [accountId]);
  await tx.query("DELETE FROM totp WHERE account_id = $1", [accountId]);
}
