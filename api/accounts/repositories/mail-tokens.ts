import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { LINK_PURPOSES, type LinkPurpose } from "../domain/mail-link.ts";

const tokens = table("mail_tokens", {
  id: z.string(),
  accountId: z.string(),
  purpose: z.enum(LINK_PURPOSES),
  /** The address that it was sent to and therefore verifies. */
  email: z.string(),
  createdAtMs: time,
  expiresAtMs: time,
  usedAtMs: time.nullable(),
});
export type MailToken = RowOf<typeof tokens>;

export const insertMailToken = (
  tx: Queryable,
  token: Omit<MailToken, "usedAtMs">,
): Promise<MailToken> => tokens.insert(tx, token);

export const findMailToken = (db: Queryable, id: string): Promise<MailToken | undefined> =>
  tokens.find(db, { id });

/** Uses a valid token, and invalidates the account's other tokens for this purpose. */
export async function consumeMailToken(
  tx: Queryable,
  id: string,
  of: { purpose: LinkPurpose; nowMs: number },
): Promise<MailToken | undefined> {
  const now = new Date(of.nowMs);
  const rows = await tx.query(
    `UPDATE mail_tokens SET used_at = $3 WHERE id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
     RETURNING ${tokens.columns}`,
    [id, of.purpose, now],
  );
  const [token] = tokens.parse(rows);
  if (token === undefined) return undefined;
  await tx.query(
    "UPDATE mail_tokens SET used_at = $3 WHERE account_id = $1 AND purpose = $2 AND used_at IS NULL",
    [token.accountId, of.purpose, now],
  );
  return token;
}

/** Invalidates all tokens that could set a password or change the address; one that verifies the current address stays. */
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
