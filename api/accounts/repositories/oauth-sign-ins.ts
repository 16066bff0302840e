import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { hashToken } from "#platform/secrets.ts";

/** What somebody agreed to when they signed in through a client, and the code that it is fetched by. */
export type OAuthSignIn = {
  sessionId: string;
  clientId: string;
  redirectUri: string;
  codeChallenge: string;
  nonce: string | undefined;
  scope: string;
  expiresAtMs: number;
  used: boolean;
};

const Row = z.object({
  session_id: z.string(),
  client_id: z.string(),
  redirect_uri: z.string(),
  code_challenge: z.string(),
  nonce: z.string().nullable(),
  scope: z.string(),
  expires_at: z.date(),
  used_at: z.date().nullable(),
});

function signInOf(row: unknown): OAuthSignIn {
  const it = Row.parse(row);
  return {
    sessionId: it.session_id,
    clientId: it.client_id,
    redirectUri: it.redirect_uri,
    codeChallenge: it.code_challenge,
    nonce: it.nonce ?? undefined,
    scope: it.scope,
    expiresAtMs: it.expires_at.getTime(),
    used: it.used_at !== null,
  };
}

export async function insertSignIn(
  tx: Queryable,
  it: Omit<OAuthSignIn, "used"> & { code: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO oauth_sign_ins (session_id, code_hash, client_id, redirect_uri, code_challenge, nonce, scope,
       expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      it.sessionId,
      hashToken(it.code),
      it.clientId,
      it.redirectUri,
      it.codeChallenge,
      it.nonce ?? null,
      it.scope,
      new Date(it.expiresAtMs),
    ],
  );
}

/** By its code; nobody else gets it until the transaction ends. */
export async function lockSignIn(tx: Queryable, code: string): Promise<OAuthSignIn | undefined> {
  const [row] = await tx.query("SELECT * FROM oauth_sign_ins WHERE code_hash = $1 FOR UPDATE", [
    hashToken(code),
  ]);
  return row && signInOf(row);
}

export async function markSignInUsed(
  tx: Queryable,
  sessionId: string,
  nowMs: number,
): Promise<void> {
  await tx.query("UPDATE oauth_sign_ins SET used_at = $2 WHERE session_id = $1", [
    sessionId,
    new Date(nowMs),
  ]);
}

export async function signInOfSession(
  db: Queryable,
  sessionId: string,
): Promise<OAuthSignIn | undefined> {
  const [row] = await db.query("SELECT * FROM oauth_sign_ins WHERE session_id = $1", [sessionId]);
  return row && signInOf(row);
}
