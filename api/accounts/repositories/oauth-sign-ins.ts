import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, optional, table, time } from "#platform/postgres/table.ts";
import { hashToken } from "#platform/secrets.ts";

const signIns = table("oauth_sign_ins", {
  sessionId: z.string(),
  codeHash: bytes,
  clientId: z.string(),
  redirectUri: z.string(),
  codeChallenge: z.string(),
  nonce: optional(z.string()),
  scope: z.string(),
  expiresAtMs: time,
  usedAtMs: time.nullable(),
});
/** The authorization request behind a session of a client, and its code. */
export type OAuthSignIn = RowOf<typeof signIns>;

export const insertSignIn = (
  tx: Queryable,
  { code, ...it }: Omit<OAuthSignIn, "codeHash" | "usedAtMs"> & { code: string },
): Promise<OAuthSignIn> => signIns.insert(tx, { ...it, codeHash: hashToken(code) });

export const lockSignIn = (tx: Queryable, code: string): Promise<OAuthSignIn | undefined> =>
  signIns.find(tx, { codeHash: hashToken(code) }, "FOR UPDATE");

export const markSignInUsed = (tx: Queryable, sessionId: string, nowMs: number) =>
  signIns.update(tx, { sessionId }, { usedAtMs: nowMs });

export const signInOfSession = (
  db: Queryable,
  sessionId: string,
): Promise<OAuthSignIn | undefined> => signIns.find(db, { sessionId });
