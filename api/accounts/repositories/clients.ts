import { timingSafeEqual } from "node:crypto";

import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, bytes, table, time } from "#platform/postgres/table.ts";
import { hashToken } from "#platform/secrets.ts";

import { CLIENT_KINDS } from "../domain/clients.ts";
import type { PageStart } from "./accounts.ts";
import { PRODUCT_SLUG } from "./products.ts";

const clients = table("oauth_clients", {
  /** `cli_…` */
  id: z.string(),
  productId: z.string(),
  product: PRODUCT_SLUG,
  name: z.string(),
  kind: z
    .enum(CLIENT_KINDS)
    .meta({ sql: "CASE WHEN secret_hash IS NULL THEN 'public' ELSE 'confidential' END" }),
  secretHash: bytes.nullable(),
  redirectUris: z.array(z.string()),
  postLogoutRedirectUris: z.array(z.string()),
  version: z.number(),
  createdBy: z.string(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type OAuthClient = RowOf<typeof clients>;

export const readClient = (
  db: Queryable,
  id: string,
  lock?: "FOR UPDATE" | "FOR KEY SHARE",
): Promise<OAuthClient | undefined> => clients.find(db, { id }, lock);

/** The client with this secret; a public client must not send one. */
export async function authenticateClient(
  db: Queryable,
  id: string,
  secret: string | undefined,
): Promise<OAuthClient | undefined> {
  const client = await clients.find(db, { id });
  if (client === undefined) return undefined;
  if (client.secretHash === null) return secret === undefined ? client : undefined;
  const isSecret = secret !== undefined && timingSafeEqual(client.secretHash, hashToken(secret));
  return isSecret ? client : undefined;
}

export const listClients = (db: Queryable, page: PageStart): Promise<OAuthClient[]> =>
  clients.page(db, page);

type NewClient = Pick<
  OAuthClient,
  "id" | "productId" | "name" | "redirectUris" | "postLogoutRedirectUris" | "createdBy"
> & { createdAtMs: number; secret: string | undefined };

export const insertClient = (tx: Queryable, { secret, ...it }: NewClient): Promise<OAuthClient> =>
  clients.insert(tx, {
    ...it,
    updatedAtMs: it.createdAtMs,
    secretHash: secret === undefined ? null : hashToken(secret),
  });

type ClientChange = {
  [Name in "name" | "redirectUris" | "postLogoutRedirectUris"]?: OAuthClient[Name] | undefined;
} & { secret?: string };

/** Undefined fields stay unchanged. */
export const updateClient = (
  tx: Queryable,
  id: string,
  { secret, nowMs, ...change }: ClientChange & { nowMs: number },
): Promise<OAuthClient> =>
  clients.update(
    tx,
    { id },
    {
      ...change,
      updatedAtMs: nowMs,
      secretHash: secret === undefined ? secret : hashToken(secret),
    },
  );

/** The live sessions that were started through a client. */
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
