import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { LinkPurpose } from "../domain/mail-link.ts";

const Row = z.object({
  id: z.string(),
  account_id: z.string(),
  purpose: z.enum(["verify", "reset"]),
  email: z.string(),
  expires_at: z.date(),
  used_at: z.date().nullable(),
});

export type MailToken = {
  id: string;
  accountId: string;
  purpose: LinkPurpose;
  /** Address that it was sent to, and so proves. */
  email: string;
  expiresAtMs: number;
  isUsed: boolean;
};

function tokenOf(value: unknown): MailToken {
  const row = Row.parse(value);
  return {
    id: row.id,
    accountId: row.account_id,
    purpose: row.purpose,
    email: row.email,
    expiresAtMs: row.expires_at.getTime(),
    isUsed: row.used_at !== null,
  };
}

export async function insertMailToken(
  tx: Queryable,
  token: Omit<MailToken, "isUsed">,
  nowMs: number,
): Promise<void> {
  await tx.query(
    `INSERT INTO mail_tokens (id, account_id, purpose, email, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      token.id,
      token.accountId,
      token.purpose,
      token.email,
      new Date(nowMs),
      new Date(token.expiresAtMs),
    ],
  );
}

export async function findMailToken(db: Queryable, id: string): Promise<MailToken | undefined> {
  const [row] = await db.query(
    "SELECT id, account_id, purpose, email, expires_at, used_at FROM mail_tokens WHERE id = $1",
    [id],
  );
  return row === undefined ? undefined : tokenOf(row);
}

/** Uses a token up, if it is good now. All others of the account with this purpose go with it. */
export async function consumeMailToken(
  tx: Queryable,
  id: string,
  of: { purpose: LinkPurpose; nowMs: number },
): Promise<MailToken | undefined> {
  const now = new Date(of.nowMs);
  const [row] = await tx.query(
    `UPDATE mail_tokens SET used_at = $3 WHERE id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
     RETURNING id, account_id, purpose, email, expires_at, used_at`,
    [id, of.purpose, now],
  );
  if (row === undefined) return undefined;
  const token = tokenOf(row);
  await tx.query(
    "UPDATE mail_tokens SET used_at = $3 WHERE account_id = $1 AND purpose = $2 AND used_at IS NULL",
    [token.accountId, of.purpose, now],
  );
  return token;
}

/**
 * After a new password or address: no link that was asked for before leads to another password or address any more. One
 * that confirms the address as it is stays good.
 */
export async function invalidateMailTokens(
  tx: Queryable,
  accountId: string,
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE mail_tokens t SET used_at = $2 FROM accounts a WHERE a.id = $1 AND t.account_id = $1
       AND t.used_at IS NULL AND NOT (t.purpose = 'verify' AND t.email IS NOT DISTINCT FROM a.email)`,
    [accountId, new Date(nowMs)],
  );
}

export async function deleteExpiredMailTokens(db: Queryable, nowMs: number): Promise<void> {
  await db.query("DELETE FROM mail_tokens WHERE expires_at < $1", [new Date(nowMs - 86_400_000)]);
}
