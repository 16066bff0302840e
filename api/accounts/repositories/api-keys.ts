import { timingSafeEqual } from "node:crypto";

import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, table, time } from "#platform/postgres/table.ts";
import { hashToken } from "#platform/secrets.ts";

import { LAST_USED_STEP_MS, isUsable, parseApiKey } from "../domain/api-keys.ts";
import type { PageStart } from "./accounts.ts";

const apiKeys = table("api_keys", {
  id: z.string(),
  serviceAccountId: z.string(),
  name: z.string(),
  secretHash: bytes,
  scopes: z.array(z.string()),
  expiresAtMs: time,
  lastUsedAtMs: time.nullable(),
  revokedAtMs: time.nullable(),
  createdBy: z.string(),
  createdAtMs: time,
});
export type ApiKey = RowOf<typeof apiKeys>;

/** The key with this text, if it may be used now; records its use. */
export async function authenticateApiKey(
  db: Queryable,
  text: string,
  nowMs: number,
): Promise<ApiKey | undefined> {
  const parsed = parseApiKey(text);
  if (parsed === undefined) return undefined;
  const rows = await db.query(
    `SELECT ${apiKeys.columns} FROM api_keys WHERE id = $1
       AND service_account_id IN (SELECT id FROM service_accounts WHERE NOT disabled)`,
    [parsed.id],
  );
  const [key] = apiKeys.parse(rows);
  if (key === undefined) return undefined;
  const isSecret = timingSafeEqual(key.secretHash, hashToken(parsed.secret));
  if (!isSecret || !isUsable(key, nowMs)) return undefined;
  if ((key.lastUsedAtMs ?? 0) <= nowMs - LAST_USED_STEP_MS) {
    await db.query("UPDATE api_keys SET last_used_at = greatest(last_used_at, $2) WHERE id = $1", [
      key.id,
      new Date(nowMs),
    ]);
  }
  return key;
}

export const lockApiKey = (tx: Queryable, id: string): Promise<ApiKey | undefined> =>
  apiKeys.find(tx, { id }, "FOR UPDATE");

export const listApiKeys = (
  db: Queryable,
  { serviceAccountId, ...page }: PageStart & { serviceAccountId: string },
): Promise<ApiKey[]> => apiKeys.page(db, { ...page, where: { serviceAccountId } });

export const insertApiKey = (
  tx: Queryable,
  {
    secret,
    ...key
  }: Omit<ApiKey, "secretHash" | "lastUsedAtMs" | "revokedAtMs"> & { secret: string },
): Promise<ApiKey> => apiKeys.insert(tx, { ...key, secretHash: hashToken(secret) });

export const revokeApiKey = (tx: Queryable, id: string, nowMs: number): Promise<ApiKey> =>
  apiKeys.update(tx, { id }, { revokedAtMs: nowMs });
