import type { WebAuthnCredential } from "@simplewebauthn/server";
import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { hashToken } from "#platform/secrets.ts";

import { PASSKEYS_MAX, type Passkey } from "../domain/passkeys.ts";

export const Transports = z.array(
  z.enum(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]),
);

const Row = z.object({
  id: z.string(),
  account_id: z.string(),
  credential_id: z.string(),
  public_key: z.instanceof(Buffer),
  counter: z.number(),
  transports: Transports,
  name: z.string(),
  synced: z.boolean(),
  version: z.number(),
  created_at: z.date(),
  last_used_at: z.date().nullable(),
});

function passkeyOf(row: unknown): Passkey {
  const it = Row.parse(row);
  return {
    id: it.id,
    accountId: it.account_id,
    credentialId: it.credential_id,
    name: it.name,
    synced: it.synced,
    version: it.version,
    createdAtMs: it.created_at.getTime(),
    lastUsedAtMs: it.last_used_at?.getTime() ?? null,
  };
}

/** For an account that registers one, or for whoever signs in; what has expired is forgotten on the way. */
export async function saveChallenge(
  tx: Queryable,
  it: { challenge: string; accountId: string | undefined; expiresAtMs: number; nowMs: number },
): Promise<void> {
  await tx.query("DELETE FROM passkey_challenges WHERE expires_at <= $1", [new Date(it.nowMs)]);
  await tx.query(
    "INSERT INTO passkey_challenges (hash, account_id, expires_at) VALUES ($1, $2, $3)",
    [hashToken(it.challenge), it.accountId ?? null, new Date(it.expiresAtMs)],
  );
}

/** Whether it was one of ours, for this purpose and in time; it is used up by asking. */
export async function consumeChallenge(
  db: Queryable,
  it: { challenge: string; accountId: string | undefined; nowMs: number },
): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM passkey_challenges WHERE hash = $1 AND account_id IS NOT DISTINCT FROM $2 AND expires_at > $3
     RETURNING 1`,
    [hashToken(it.challenge), it.accountId ?? null, new Date(it.nowMs)],
  );
  return rows.length > 0;
}

/** Gives undefined where the authenticator is known already. */
export async function insertPasskey(
  tx: Queryable,
  it: Pick<Passkey, "id" | "accountId" | "name" | "synced" | "createdAtMs"> & {
    credential: WebAuthnCredential;
  },
): Promise<Passkey | undefined> {
  const { id, publicKey, counter, transports = [] } = it.credential;
  const [row] = await tx.query(
    `INSERT INTO passkeys (id, account_id, credential_id, public_key, counter, transports, name, synced, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (credential_id) DO NOTHING RETURNING *`,
    [
      it.id,
      it.accountId,
      id,
      Buffer.from(publicKey),
      counter,
      Transports.parse(transports),
      it.name,
      it.synced,
      new Date(it.createdAtMs),
    ],
  );
  return row && passkeyOf(row);
}

/** All of an account: there are few. */
export async function listPasskeys(db: Queryable, accountId: string): Promise<Passkey[]> {
  const rows = await db.query(
    `SELECT * FROM passkeys WHERE account_id = $1 ORDER BY created_at, id LIMIT ${PASSKEYS_MAX + 1}`,
    [accountId],
  );
  return rows.map(passkeyOf);
}

export async function readPasskey(
  db: Queryable,
  id: string,
  lock: "" | "FOR UPDATE" = "",
): Promise<Passkey | undefined> {
  const [row] = await db.query(`SELECT * FROM passkeys WHERE id = $1 ${lock}`, [id]);
  return row && passkeyOf(row);
}

export type StoredPasskey = { passkey: Passkey; credential: WebAuthnCredential };

export async function findPasskeyByCredential(
  db: Queryable,
  credentialId: string,
): Promise<StoredPasskey | undefined> {
  const [row] = await db.query("SELECT * FROM passkeys WHERE credential_id = $1", [credentialId]);
  if (row === undefined) return undefined;
  const it = Row.parse(row);
  const { transports } = it;
  const publicKey = new Uint8Array(it.public_key);
  const credential = { id: it.credential_id, publicKey, counter: it.counter, transports };
  return { passkey: passkeyOf(row), credential };
}

/**
 * Counts a use; false where the counter did not go up, as two authenticators then have the same key. Those that do not
 * count say 0 each time.
 */
export async function recordUse(
  db: Queryable,
  use: { id: string; counter: number; nowMs: number },
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE passkeys SET counter = $2, last_used_at = $3
     WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0)) RETURNING 1`,
    [use.id, use.counter, new Date(use.nowMs)],
  );
  return rows.length > 0;
}

export async function renamePasskey(tx: Queryable, id: string, name: string): Promise<void> {
  await tx.query("UPDATE passkeys SET name = $2, version = version + 1 WHERE id = $1", [id, name]);
}

export async function deletePasskey(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM passkeys WHERE id = $1", [id]);
}
