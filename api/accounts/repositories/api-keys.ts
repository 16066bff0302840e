import { timingSafeEqual } from "node:crypto";

import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { hashToken } from "#platform/secrets.ts";

import { type ApiKey, LAST_USED_STEP_MS, isUsable, parseApiKey } from "../domain/api-keys.ts";

const Row = z.object({
  id: z.string(),
  service_account_id: z.string(),
  name: z.string(),
  secret_hash: z.instanceof(Buffer),
  scopes: z.array(z.string()),
  expires_at: z.date(),
  last_used_at: z.date().nullable(),
  revoked_at: z.date().nullable(),
  created_by: z.string(),
  created_at: z.date(),
});

function keyOf(row: unknown): ApiKey {
  const it = Row.parse(row);
  return {
    id: it.id,
    serviceAccountId: it.service_account_id,
    name: it.name,
    scopes: it.scopes,
    expiresAtMs: it.expires_at.getTime(),
    lastUsedAtMs: it.last_used_at?.getTime() ?? null,
    revokedAtMs: it.revoked_at?.getTime() ?? null,
    createdBy: it.created_by,
    createdAtMs: it.created_at.getTime(),
  };
}

/** The key that this text is, when it may be used now; that it was used is written down. */
export async function authenticateApiKey(
  db: Queryable,
  text: string,
  nowMs: number,
): Promise<ApiKey | undefined> {
  const given = parseApiKey(text);
  if (given === undefined) return undefined;
  const [row] = await db.query(
    `SELECT k.* FROM api_keys k JOIN service_accounts s ON s.id = k.service_account_id
     WHERE k.id = $1 AND NOT s.disabled`,
    [given.id],
  );
  if (row === undefined) return undefined;
  const stored = Row.parse(row).secret_hash;
  const key = keyOf(row);
  if (!timingSafeEqual(stored, hashToken(given.secret)) || !isUsable(key, nowMs)) return undefined;
  if ((key.lastUsedAtMs ?? 0) <= nowMs - LAST_USED_STEP_MS) {
    await db.query("UPDATE api_keys SET last_used_at = greatest(last_used_at, $2) WHERE id = $1", [
      key.id,
      new Date(nowMs),
    ]);
  }
  return key;
}

export async function readApiKey(
  db: Queryable,
  id: string,
  lock: "" | "FOR UPDATE" = "",
): Promise<ApiKey | undefined> {
  const [row] = await db.query(`SELECT * FROM api_keys WHERE id = $1 ${lock}`, [id]);
  return row && keyOf(row);
}

/** Of a service account, the oldest first; one more than `limit`. */
export async function listApiKeys(
  db: Queryable,
  page: {
    serviceAccountId: string;
    after: readonly [ms: number, id: string] | undefined;
    limit: number;
  },
): Promise<ApiKey[]> {
  const [ms, id] = page.after ?? [0, ""];
  const rows = await db.query(
    `SELECT * FROM api_keys WHERE service_account_id = $1 AND (created_at, id) > ($2, $3)
     ORDER BY created_at, id LIMIT $4`,
    [page.serviceAccountId, new Date(ms), id, page.limit + 1],
  );
  return rows.map(keyOf);
}

export async function insertApiKey(
  tx: Queryable,
  key: Omit<ApiKey, "lastUsedAtMs" | "revokedAtMs"> & { secret: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO api_keys (id, service_account_id, name, secret_hash, scopes, expires_at, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      key.id,
      key.serviceAccountId,
      key.name,
      hashToken(key.secret),
      key.scopes,
      new Date(key.expiresAtMs),
      key.createdBy,
      new Date(key.createdAtMs),
    ],
  );
}

export async function revokeApiKey(tx: Queryable, id: string, nowMs: number): Promise<void> {
  await tx.query("UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1", [
    id,
    new Date(nowMs),
  ]);
}
