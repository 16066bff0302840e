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
import { seal, unseal } from "#platform/seal.ts";

import type { RotationStep, SigningKeyFacts } from "../domain/signing-keys.ts";

export type StoredSigningKey = SigningKeyFacts & { publicJwk: JWK; sealed: Buffer };

const Jwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
});
const Row = z.object({
  kid: z.string(),
  public_jwk: Jwk,
  private_key: z.instanceof(Buffer),
  created_at: z.date(),
  active_at: z.date().nullable(),
  retired_at: z.date().nullable(),
});

/** All of them, the oldest first. */
export async function readSigningKeys(db: Queryable): Promise<StoredSigningKey[]> {
  const rows = await db.query("SELECT * FROM signing_keys ORDER BY created_at, kid");
  return rows.map((row) => {
    const key = Row.parse(row);
    return {
      kid: key.kid,
      publicJwk: { ...key.public_jwk, kid: key.kid, alg: ACCESS_TOKEN_ALGORITHM, use: "sig" },
      sealed: key.private_key,
      createdAtMs: key.created_at.getTime(),
      activeAtMs: key.active_at?.getTime(),
      retiredAtMs: key.retired_at?.getTime(),
    };
  });
}

/** Until the transaction ends, no other process changes the keys. */
export async function lockSigningKeys(tx: Queryable): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('accounts.signing_keys'))");
}

type Writing = { secret: Buffer; nowMs: number };

/** Does a step of the rotation; other processes hear of it when the transaction commits. */
export async function writeRotation(
  tx: Queryable,
  step: RotationStep,
  { secret, nowMs }: Writing,
): Promise<void> {
  const now = new Date(nowMs);
  await tx.query("DELETE FROM signing_keys WHERE kid = ANY($1)", [step.forget]);
  await tx.query("UPDATE signing_keys SET retired_at = $2 WHERE kid = ANY($1)", [step.retire, now]);
  if (step.activate !== undefined) {
    const kid =
      step.activate === "new" ? await insertKey(tx, { secret, nowMs }) : step.activate.kid;
    await tx.query("UPDATE signing_keys SET active_at = $2 WHERE kid = $1", [kid, now]);
  }
  if (step.makeNext) await insertKey(tx, { secret, nowMs });
  await tx.query("SELECT pg_notify('accounts.signing_keys', '')");
}

async function insertKey(tx: Queryable, { secret, nowMs }: Writing): Promise<string> {
  const pair = await generateKeyPair(ACCESS_TOKEN_ALGORITHM, { extractable: true });
  const publicJwk = Jwk.parse(await exportJWK(pair.publicKey));
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateKey = seal(secret, JSON.stringify(await exportJWK(pair.privateKey)), kid);
  await tx.query(
    "INSERT INTO signing_keys (kid, public_jwk, private_key, created_at) VALUES ($1, $2, $3, $4)",
    [kid, JSON.stringify(publicJwk), privateKey, new Date(nowMs)],
  );
  return kid;
}

/** @throws AppError unavailable when it was sealed by another root key */
export async function openPrivateKey(key: StoredSigningKey, secret: Buffer): Promise<CryptoKey> {
  const jwk: unknown = JSON.parse(opened(secret, key));
  const imported = await importJWK(Jwk.loose().parse(jwk), ACCESS_TOKEN_ALGORITHM);
  if (imported instanceof Uint8Array) throw new Error(`signing key ${key.kid} is no key pair`);
  return imported;
}

export async function openPublicKey(key: StoredSigningKey): Promise<CryptoKey> {
  const imported = await importJWK(key.publicJwk, ACCESS_TOKEN_ALGORITHM);
  if (imported instanceof Uint8Array) throw new Error(`signing key ${key.kid} is no key pair`);
  return imported;
}

/** The id of the key is bound to it, so that no row can be put in place of another. */
function opened(secret: Buffer, { kid, sealed }: StoredSigningKey): string {
  try {
    return unseal(secret, sealed, kid).toString();
  } catch (error) {
    throw new AppError(
      "unavailable",
      "The signing keys were sealed with another API_ROOT_KEY: start Accounts with that one, or empty the table accounts.signing_keys, which signs everybody out.",
      { cause: error },
    );
  }
}
