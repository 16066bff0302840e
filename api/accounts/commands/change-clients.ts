import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { newToken } from "#platform/secrets.ts";

import type { Origin } from "../deps.ts";
import type { ClientKind } from "../domain/clients.ts";
import {
  type OAuthClient,
  deleteClient,
  insertClient,
  readClient,
  sessionsOfClient,
  updateClient,
} from "../repositories/clients.ts";
import { readProduct } from "../repositories/products.ts";
import {
  type CallContext,
  type CommandDeps,
  actorOf,
  found,
  invalidField,
} from "./call-context.ts";

type NewClient = {
  name: string;
  product: string;
  kind: ClientKind;
  redirectUris: string[];
  postLogoutRedirectUris: string[];
};

/** Registers a client. The secret of a confidential client is returned here only. */
export async function createClient(
  tx: Queryable,
  call: CallContext,
  { audit, body }: CommandDeps & { body: NewClient },
): Promise<{ client: OAuthClient; secret: string | undefined }> {
  const product = await readProduct(tx, body.product, "FOR SHARE");
  if (product === undefined) throw invalidField("product", "unknown", "there is no such product");
  const secret = body.kind === "confidential" ? newToken() : undefined;
  const client = await insertClient(tx, {
    ...body,
    id: newId("cli"),
    productId: product.id,
    createdBy: actorOf(call.caller),
    createdAtMs: call.nowMs,
    secret,
  });
  const { name, kind, redirectUris } = body;
  const detail = { name, kind, redirectUris, product: body.product };
  await audit(tx, call, { action: "client.create", target: client.id, detail });
  return { client, secret };
}

type Request = CommandDeps & { id: string; ifMatch: number | undefined };

async function lockClient(tx: Queryable, { id, ifMatch }: Request): Promise<OAuthClient> {
  const client = found(await readClient(tx, id, "FOR UPDATE"), "client");
  checkVersion(ifMatch, client.version);
  return client;
}

export async function changeClient(
  tx: Queryable,
  call: CallContext,
  request: Request & { body: Omit<Parameters<typeof updateClient>[2], "secret" | "nowMs"> },
): Promise<OAuthClient> {
  await lockClient(tx, request);
  const { audit, id, body } = request;
  const client = await updateClient(tx, id, { ...body, nowMs: call.nowMs });
  const { name, redirectUris, postLogoutRedirectUris } = client;
  const detail = { id, name, redirectUris, postLogoutRedirectUris };
  await audit(tx, call, { action: "client.change", target: id, detail });
  return client;
}

/** Replaces the secret of a confidential client. */
export async function rotateClientSecret(
  tx: Queryable,
  call: CallContext,
  request: Request,
): Promise<{ client: OAuthClient; secret: string }> {
  const { kind } = await lockClient(tx, request);
  if (kind === "public") {
    throw new AppError("conflict", "A public client has no secret: it uses PKCE.");
  }
  const { audit, id } = request;
  const secret = newToken();
  const client = await updateClient(tx, id, { secret, nowMs: call.nowMs });
  await audit(tx, call, { action: "client.renew-secret", target: id });
  return { client, secret };
}

/** The sessions of an account that a command has ended. */
export type EndedSessions = { accountId: string; ids: readonly string[] };

/** Deletes a client and ends the sessions that were started through it. @returns these sessions */
export async function removeClient(
  tx: Queryable,
  call: CallContext,
  request: Request & { origin: Origin },
): Promise<EndedSessions[]> {
  const client = await lockClient(tx, request);
  const { audit, sessions, id, origin } = request;
  const ended: EndedSessions[] = [];
  for (const it of await sessionsOfClient(tx, id)) {
    const which = { ...it, reason: "client deleted", origin, actor: actorOf(call.caller) };
    ended.push({ accountId: it.accountId, ids: await sessions.end(tx, which) });
  }
  await deleteClient(tx, id);
  await audit(tx, call, { action: "client.delete", target: id, detail: { name: client.name } });
  return ended;
}
