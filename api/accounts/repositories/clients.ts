import { timingSafeEqual } from "node:crypto";

import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { hashToken } from "#platform/secrets.ts";

import type { OAuthClient } from "../domain/clients.ts";

const Row = z.object({
  id: z.string(),
  product_id: z.string(),
  product: z.string(),
  name: z.string(),
  secret_hash: z.instanceof(Buffer).nullable(),
  redirect_uris: z.array(z.string()),
  post_logout_redirect_uris: z.array(z.string()),
  version: z.number(),
  created_by: z.string(),
  created_at: z.date(),
  updated_at: z.date(),
});

function requireClient(row: unknown): OAuthClient {
  const it = Row.parse(row);
  return {
    id: it.id,
    product: it.product,
    productId: it.product_id,
    name: it.name,
    kind: it.secret_hash === null ? "public" : "confidential",
    redirectUris: it.redirect_uris,
    postLogoutRedirectUris: it.post_logout_redirect_uris,
    version: it.version,
    createdBy: it.created_by,
    createdAtMs: it.created_at.getTime(),
    updatedAtMs: it.updated_at.getTime(),
  };
}

const READ =
  "SELECT c.*, p.slug AS product FROM oauth_clients c JOIN products p ON p.id = c.product_id";

export async function readClient(
  db: Queryable,
  id: string,
  lock: "" | "FOR UPDATE OF c" | "FOR KEY SHARE OF c" = "",
): Promise<OAuthClient | undefined> {
  const [row] = await db.query(`${READ} WHERE c.id = $1 ${lock}`, [id]);
  return row && requireClient(row);
}

/** The client that proves itself by this secret; a public one has none to give. */
export async function authenticateClient(
  db: Queryable,
  id: string,
  secret: string | undefined,
): Promise<OAuthClient | undefined> {
  const [row] = await db.query(`${READ} WHERE c.id = $1`, [id]);
  if (row === undefined) return undefined;
  const stored = Row.parse(row).secret_hash;
  if (stored === null) return secret === undefined ? requireClient(row) : undefined;
  return secret !== undefined && timingSafeEqual(stored, hashToken(secret))
    ? requireClient(row)
    : undefined;
}

/** The oldest first; one more than `limit`. */
export async function listClients(
  db: Queryable,
  page: { after: readonly [ms: number, id: string] | undefined; limit: number },
): Promise<OAuthClient[]> {
  const [ms, id] = page.after ?? [0, ""];
  const rows = await db.query(
    `${READ} WHERE (c.created_at, c.id) > ($1, $2) ORDER BY c.created_at, c.id LIMIT $3`,
    [new Date(ms), id, page.limit + 1],
  );
  return rows.map(requireClient);
}

type NewClient = Pick<
  OAuthClient,
  "id" | "productId" | "name" | "redirectUris" | "postLogoutRedirectUris" | "createdBy"
> & { createdAtMs: number; secret: string | undefined };

export async function insertClient(tx: Queryable, it: NewClient): Promise<void> {
  await tx.query(
    `INSERT INTO oauth_clients (id, product_id, name, secret_hash, redirect_uris, post_logout_redirect_uris,
       created_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
    [
      it.id,
      it.productId,
      it.name,
      it.secret === undefined ? null : hashToken(it.secret),
      it.redirectUris,
      it.postLogoutRedirectUris,
      it.createdBy,
      new Date(it.createdAtMs),
    ],
  );
}

/** A new secret, where one is given, takes the place of the old one. */
export async function updateClient(
  tx: Queryable,
  it: Pick<OAuthClient, "id" | "name" | "redirectUris" | "postLogoutRedirectUris"> & {
    secret?: string;
  },
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE oauth_clients SET name = $2, redirect_uris = $3, post_logout_redirect_uris = $4,
       secret_hash = coalesce($5, secret_hash), version = version + 1, updated_at = $6 WHERE id = $1`,
    [
      it.id,
      it.name,
      it.redirectUris,
      it.postLogoutRedirectUris,
      it.secret === undefined ? null : hashToken(it.secret),
      new Date(nowMs),
    ],
  );
}

/** Gives the live sessions that people have through it, so that they can be ended. */
export async function sessionsOfClient(
  tx: Queryable,
  id: string,
): Promise<{ sessionId: string; accountId: string }[]> {
  const rows = await tx.query(
    "SELECT id, account_id FROM sessions WHERE client_id = $1 AND ended_at IS NULL",
    [id],
  );
  return rows.map((it) => ({ sessionId: String(it["id"]), accountId: String(it["account_id"]) }));
}

export async function deleteClient(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM oauth_clients WHERE id = $1", [id]);
}
