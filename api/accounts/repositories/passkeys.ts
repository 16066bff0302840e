import type { WebAuthnCredential } from "@simplewebauthn/server";
import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, table, time } from "#platform/postgres/table.ts";
import { hashToken } from "#platform/secrets.ts";

import { PASSKEYS_MAX } from "../domain/passkeys.ts";

export const Transports = z.array(
  z.enum(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]),
);

const passkeys = table("passkeys", {
  /** `pky_…` */
  id: z.string(),
  accountId: z.string(),
  /** Assigned by the authenticator, base64url. */
  credentialId: z.string(),
  publicKey: bytes,
  counter: z.number(),
  transports: Transports,
  name: z.string(),
  /** Whether it is synchronised between devices. */
  synced: z.boolean(),
  version: z.number(),
  createdAtMs: time,
  lastUsedAtMs: time.nullable(),
});
export type Passkey = RowOf<typeof passkeys>;

type Challenge = { challenge: string; accountId: string | undefined; nowMs: number };

/** Saves a challenge to register a passkey for an account, or to sign in; deletes expired ones. */
export async function saveChallenge(
  tx: Queryable,
  it: Challenge & { expiresAtMs: number },
): Promise<void> {
  await tx.query("DELETE FROM passkey_challenges WHERE expires_at <= $1", [new Date(it.nowMs)]);
  await tx.query(
    "INSERT INTO passkey_challenges (hash, account_id, expires_at) VALUES ($1, $2, $3)",
    [hashToken(it.challenge), it.accountId ?? null, new Date(it.expiresAtMs)],
  );
}

/** Deletes a challenge. @returns whether it was valid for this purpose */
export async function consumeChallenge(db: Queryable, it: Challenge): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM passkey_challenges WHERE hash = $1 AND account_id IS NOT DISTINCT FROM $2 AND expires_at > $3
     RETURNING 1`,
    [hashToken(it.challenge), it.accountId ?? null, new Date(it.nowMs)],
  );
  return rows.length > 0;
}

/** @returns undefined if the credential is registered already */
export function insertPasskey(
  tx: Queryable,
  {
    credential,
    ...it
  }: Pick<Passkey, "id" | "accountId" | "name" | "synced" | "createdAtMs"> & {
    credential: WebAuthnCredential;
  },
): Promise<Passkey | undefined> {
  const { id: credentialId, publicKey, counter, transports = [] } = credential;
  return passkeys.insertIfAbsent(tx, {
    ...it,
    credentialId,
    publicKey: Buffer.from(publicKey),
    counter,
    transports: Transports.parse(transports),
  });
}

export async function listPasskeys(db: Queryable, accountId: string): Promise<Passkey[]> {
  const rows = await db.query(
    `SELECT ${passkeys.columns} FROM passkeys WHERE account_id = $1 ORDER BY created_at, id LIMIT ${PASSKEYS_MAX + 1}`,
    [accountId],
  );
  return passkeys.parse(rows);
}

export const lockPasskey = (tx: Queryable, id: string): Promise<Passkey | undefined> =>
  passkeys.find(tx, { id }, "FOR UPDATE");

export const findPasskeyByCredential = (
  db: Queryable,
  credentialId: string,
): Promise<Passkey | undefined> => passkeys.find(db, { credentialId });

/**
 * Records a use. @returns false if the signature counter did not increase, as after cloning the authenticator;
 * authenticators without a counter always report 0
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

export const renamePasskey = (tx: Queryable, id: string, name: string): Promise<Passkey> =>
  passkeys.update(tx, { id }, { name });

export async function deletePasskey(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM passkeys WHERE id = $1", [id]);
}
