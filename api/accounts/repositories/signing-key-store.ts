import {
  type CryptoKey,
  type JWK,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
} from "jose";
import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { ACCESS_TOKEN_ALGORITHM } from "#platform/http/tokens.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, json, optional, table, time } from "#platform/postgres/table.ts";
import { seal, unseal } from "#platform/seal.ts";

import type { RotationStep } from "../domain/signing-keys.ts";

const Jwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
});
const signingKeys = table("signing_keys", {
  kid: z.string(),
  publicJwk: json(Jwk),
  /** Encrypted. */
  privateKey: bytes,
  createdAtMs: time,
  activeAtMs: optional(time),
  retiredAtMs: optional(time),
});
export type StoredSigningKey = RowOf<typeof signingKeys>;

export const jwkOf = ({ kid, publicJwk }: StoredSigningKey): JWK => ({
  ...publicJwk,
  kid,
  alg: ACCESS_TOKEN_ALGORITHM,
  use: "sig",
});

/** Oldest first. */
export async function readSigningKeys(db: Queryable): Promise<StoredSigningKey[]> {
  const rows = await db.query(
    `SELECT ${signingKeys.columns} FROM signing_keys ORDER BY created_at, kid`,
  );
  return signingKeys.parse(rows);
}

/** Serialises changes of the keys across processes until the transaction ends. */
export async function lockSigningKeys(tx: Queryable): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('accounts.signing_keys'))");
}

type KeyContext = { secret: Buffer; nowMs: number };

/** Applies a step of the rotation; other processes are notified when the transaction commits. */
export async function writeRotation(
  tx: Queryable,
  step: RotationStep,
  { secret, nowMs }: KeyContext,
): Promise<void> {
  const now = new Date(nowMs);
  await tx.query("DELETE FROM signing_keys WHERE kid = ANY($1)", [step.erase]);
  await tx.query("UPDATE signing_keys SET retired_at = $2 WHERE kid = ANY($1)", [step.retire, now]);
  if (step.activate !== undefined) {
    const kid =
      step.activate === "new" ? await insertKey(tx, { secret, nowMs }) : step.activate.kid;
    await tx.query("UPDATE signing_keys SET active_at = $2 WHERE kid = $1", [kid, now]);
  }
  if (step.makeNext) await insertKey(tx, { secret, nowMs });
  await tx.query("SELECT pg_notify('accounts.signing_keys', '')");
}

async function insertKey(tx: Queryable, { secret, nowMs }: KeyContext): Promise<string> {
  const pair = await generateKeyPair(ACCESS_TOKEN_ALGORITHM, { extractable: true });
  const publicJwk = Jwk.parse(await exportJWK(pair.publicKey));
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateKey = seal(secret, JSON.stringify(await exportJWK(pair.privateKey)), kid);
  await signingKeys.insert(tx, { kid, publicJwk, privateKey, createdAtMs: nowMs });
  return kid;
}

/** @throws AppError unavailable if it was encrypted with another root key */
export async function openPrivateKey(key: StoredSigningKey, secret: Buffer): Promise<CryptoKey> {
  const jwk: unknown = JSON.parse(decrypted(secret, key));
  return importKey(key.kid, Jwk.loose().parse(jwk));
}

export const openPublicKey = (key: StoredSigningKey): Promise<CryptoKey> =>
  importKey(key.kid, jwkOf(key));

async function importKey(kid: string, jwk: JWK): Promise<CryptoKey> {
  const imported = await importJWK(jwk, ACCESS_TOKEN_ALGORITHM);
  if (imported instanceof Uint8Array) throw new Error(`signing key ${kid} is not a key pair`);
  return imported;
}

/** The key id is authenticated data, so that the private keys of two rows cannot be swapped. */
function decrypted(secret: Buffer, { kid, privateKey }: StoredSigningKey): string {
  try {
    return unseal(secret, privateKey, kid).toString();
  } catch (error) {
    throw new AppError(
      "unavailable",
      "The signing keys were encrypted with another API_ROOT_KEY: start Accounts with that one, or empty the table accounts.signing_keys, which signs everybody out.",
      { cause: error },
    );
  }
}
