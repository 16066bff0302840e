import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

const Row = z.object({
  secret: z.instanceof(Buffer),
  confirmed_at: z.date().nullable(),
  last_step: z.number(),
});

/** The authenticator app of an account; the secret is encrypted. */
export type StoredTotp = { secret: Buffer; isConfirmed: boolean; lastStep: number };

export async function readTotp(db: Queryable, accountId: string): Promise<StoredTotp | undefined> {
  const [found] = await db.query(
    "SELECT secret, confirmed_at, last_step FROM totp WHERE account_id = $1",
    [accountId],
  );
  if (found === undefined) return undefined;
  const row = Row.parse(found);
  return { secret: row.secret, isConfirmed: row.confirmed_at !== null, lastStep: row.last_step };
}

/** A secret that waits for its first code, in place of one that did so; false when one is in use. */
export async function enrolTotp(
  tx: Queryable,
  of: { accountId: string; secret: Buffer; nowMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO totp AS t (account_id, secret, created_at) VALUES ($1, $2, $3)
     ON CONFLICT (account_id) DO UPDATE SET secret = $2, created_at = $3 WHERE t.confirmed_at IS NULL RETURNING 1`,
    [of.accountId, of.secret, new Date(of.nowMs)],
  );
  return rows.length > 0;
}

/** False when it was confirmed already. */
export async function confirmTotp(
  tx: Queryable,
  of: { accountId: string; step: number; nowMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE totp SET confirmed_at = $2, last_step = $3 WHERE account_id = $1 AND confirmed_at IS NULL RETURNING 1`,
    [of.accountId, new Date(of.nowMs), of.step],
  );
  return rows.length > 0;
}

/** Uses up the code of a time step, and all before it; false when it was used already. */
export async function consumeTotpStep(
  tx: Queryable,
  accountId: string,
  step: number,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE totp SET last_step = $2 WHERE account_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL RETURNING 1`,
    [accountId, step],
  );
  return rows.length > 0;
}

export const hasRecoveryCode = async (
  db: Queryable,
  accountId: string,
  hash: Buffer,
): Promise<boolean> =>
  (
    await db.query("SELECT 1 FROM recovery_codes WHERE account_id = $1 AND hash = $2", [
      accountId,
      hash,
    ])
  ).length > 0;

/** False when it was used already. */
export const consumeRecoveryCode = async (
  tx: Queryable,
  accountId: string,
  hash: Buffer,
): Promise<boolean> =>
  (
    await tx.query("DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2 RETURNING 1", [
      accountId,
      hash,
    ])
  ).length > 0;

export async function countRecoveryCodes(db: Queryable, accountId: string): Promise<number> {
  const [row] = await db.query("SELECT count(*) AS n FROM recovery_codes WHERE account_id = $1", [
    accountId,
  ]);
  return Number(row?.["n"]);
}

/** New codes in place of all old ones. */
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

export async function deleteSecondFactor(tx: Queryable, accountId: string): Promise<boolean> {
  await tx.query("DELETE FROM recovery_codes WHERE account_id = $1", [accountId]);
  const rows = await tx.query("DELETE FROM totp WHERE account_id = $1 RETURNING 1", [accountId]);
  return rows.length > 0;
}
