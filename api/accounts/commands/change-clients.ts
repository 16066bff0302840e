import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { newToken } from "#platform/secrets.ts";

import type { Origin } from "../deps.ts";
import type { OAuthClient } from "../domain/clients.ts";
import {
  deleteClient,
  insertClient,
  readClient,
  sessionsOfClient,
  updateClient,
} from "../repositories/clients.ts";
import { readProduct } from "../repositories/products.ts";
import { type Act, type CommandDeps, actorOf, found, invalidField } from "./call-context.ts";

export type NewClient = {
  name: string;
  product: string;
  kind: OAuthClient["kind"];
  redirectUris: readonly string[];
  postLogoutRedirectUris: readonly string[];
};

/** Registers a client; the secret of a confidential one is in the answer and nowhere else. */
export async function createClient(
  tx: Queryable,
  act: Act,
  { audit, body }: CommandDeps & { body: NewClient },
): Promise<{ client: OAuthClient; secret: string | undefined }> {
  const product = await readProduct(tx, body.product, "for share");
  if (product === undefined) throw invalidField("product", "unknown", "there is no such product");
  const id = newId("cli");
  const secret = body.kind === "confidential" ? newToken() : undefined;
  const facts = { ...body, id, productId: product.id, createdBy: actorOf(act), secret };
  await insertClient(tx, { ...facts, createdAtMs: act.nowMs });
  const { name, kind, redirectUris } = body;
  const detail = { name, kind, redirectUris, product: body.product };
  await audit(tx, act, { action: "client.create", target: id, detail });
  return { client: found(await readClient(tx, id), "client"), secret };
}

type Request = CommandDeps & { id: string; ifMatch: number | undefined };
export type ClientChange = {
  name?: string | undefined;
  redirectUris?: readonly string[] | undefined;
  postLogoutRedirectUris?: readonly string[] | undefined;
};

export async function changeClient(
  tx: Queryable,
  act: Act,
  { audit, id, ifMatch, body }: Request & { body: ClientChange },
): Promise<OAuthClient> {
  const before = found(await readClient(tx, id, "FOR UPDATE OF c"), "client");
  checkVersion(ifMatch, before.version);
  const after = {
    id,
    name: body.name ?? before.name,
    redirectUris: body.redirectUris ?? before.redirectUris,
    postLogoutRedirectUris: body.postLogoutRedirectUris ?? before.postLogoutRedirectUris,
  };
  await updateClient(tx, after, act.nowMs);
  await audit(tx, act, { action: "client.change", target: id, detail: after });
  return found(await readClient(tx, id), "client");
}

/** A new secret; the old one is refused from now on. */
export async function rotateClientSecret(
  tx: Queryable,
  act: Act,
  { audit, id, ifMatch }: Request,
): Promise<{ client: OAuthClient; secret: string }> {
  const before = found(await readClient(tx, id, "FOR UPDATE OF c"), "client");
  checkVersion(ifMatch, before.version);
  if (before.kind === "public") {
    throw new AppError("conflict", "A public client has no secret: it proves itself by PKCE.");
  }
  const secret = newToken();
  await updateClient(tx, { ...before, secret }, act.nowMs);
  await audit(tx, act, { action: "client.renew-secret", target: id });
  return { client: found(await readClient(tx, id), "client"), secret };
}

/** Sessions of an account that have ended by this, and by nothing else that happened meanwhile. */
export type EndedSessions = { accountId: string; ids: readonly string[] };

/** Deletes it, and ends what people have through it; gives those sessions. */
export async function removeClient(
  tx: Queryable,
  act: Act,
  { audit, sessions, id, ifMatch, origin }: Request & { origin: Origin },
): Promise<EndedSessions[]> {
  const client = found(await readClient(tx, id, "FOR UPDATE OF c"), "client");
  checkVersion(ifMatch, client.version);
  const ended: EndedSessions[] = [];
  for (const it of await sessionsOfClient(tx, id)) {
    const which = { ...it, reason: "client deleted", origin, actor: actorOf(act) };
    ended.push({ accountId: it.accountId, ids: await sessions.end(tx, which) });
  }
  await deleteClient(tx, id);
  await audit(tx, act, { action: "client.delete", target: id, detail: { name: client.name } });
  return ended;
}
