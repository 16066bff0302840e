import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { newToken } from "#platform/secrets.ts";

import {
  API_KEY_MS_MAX,
  type ApiKey,
  type ServiceAccount,
  apiKeyText,
} from "../domain/api-keys.ts";
import { intersection } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { insertApiKey, readApiKey, revokeApiKey } from "../repositories/api-keys.ts";
import { permissionsOf } from "../repositories/permissions.ts";
import {
  deleteServiceAccount,
  insertServiceAccount,
  readServiceAccount,
  updateServiceAccount,
} from "../repositories/service-accounts.ts";
import {
  type Act,
  type CommandDeps,
  actorOf,
  found,
  nameTaken,
  invalidField,
} from "./call-context.ts";
import { checkDelegation } from "./check-delegation.ts";

/** A service account can do nothing until it is granted something. */
export async function createServiceAccount(
  tx: Queryable,
  act: Act,
  { audit, body }: CommandDeps & { body: { name: string; description: string } },
): Promise<ServiceAccount> {
  const account = await insertServiceAccount(tx, {
    ...body,
    id: newId("svc"),
    createdBy: actorOf(act),
    createdAtMs: act.nowMs,
  });
  if (account === undefined)
    throw nameTaken("name", `There is a service account ${body.name} already.`);
  const { id, name } = account;
  await audit(tx, act, { action: "service-account.create", target: id, detail: { name } });
  return account;
}

type Request = CommandDeps & { id: string; ifMatch: number | undefined };

export async function changeServiceAccount(
  tx: Queryable,
  act: Act,
  request: Request & { body: { description?: string | undefined; disabled?: boolean | undefined } },
): Promise<ServiceAccount> {
  const { audit, invalidateTokens, id, ifMatch, body } = request;
  const before = found(await readServiceAccount(tx, id, "FOR UPDATE"), "service account");
  checkVersion(ifMatch, before.version);
  if (before.disabled && body.disabled === false) await checkMayWake(tx, act, id);
  const { description = before.description, disabled = before.disabled } = body;
  const account = await updateServiceAccount(tx, { id, description, disabled }, act.nowMs);
  if (disabled !== before.disabled) await invalidateTokens(tx, id);
  await audit(tx, act, { action: "service-account.change", target: id, detail: { disabled } });
  return account;
}

/** Waking one gives its keys back what it is granted. */
async function checkMayWake(tx: Queryable, act: Act, id: string): Promise<void> {
  const permissions = await permissionsOf(tx, id, QUARTERDECK, act.nowMs);
  await checkDelegation(tx, act, { product: QUARTERDECK, permissions, untilMs: undefined });
}

export async function removeServiceAccount(
  tx: Queryable,
  act: Act,
  { audit, invalidateTokens, id, ifMatch }: Request,
): Promise<void> {
  const account = found(await readServiceAccount(tx, id, "FOR UPDATE"), "service account");
  checkVersion(ifMatch, account.version);
  await deleteServiceAccount(tx, id);
  await invalidateTokens(tx, id);
  const detail = { name: account.name };
  await audit(tx, act, { action: "service-account.delete", target: id, detail });
}

export type NewApiKey = { name: string; scopes: readonly string[]; expiresAtMs: number };

/**
 * Makes a key: what it may do must be granted to its service account, and be held by whoever makes it, for as long. The
 * secret is in the answer and nowhere else.
 */
export async function createApiKey(
  tx: Queryable,
  act: Act,
  { audit, id: serviceAccountId, body }: Omit<Request, "ifMatch"> & { body: NewApiKey },
): Promise<{ key: ApiKey; text: string }> {
  found(await readServiceAccount(tx, serviceAccountId, "FOR SHARE"), "service account");
  if (body.expiresAtMs <= act.nowMs || body.expiresAtMs > act.nowMs + API_KEY_MS_MAX) {
    throw invalidField("expiresAt", "out_of_range", "give a time to come within a year");
  }
  const granted = await permissionsOf(tx, serviceAccountId, QUARTERDECK, act.nowMs);
  const missing = body.scopes.filter((it) => !intersection(granted, [it]).includes(it));
  if (missing.length > 0) {
    const message = `${missing.slice(0, 20).join(", ")}: grant it to the service account first`;
    throw invalidField("scopes", "not_granted", message);
  }
  const { scopes: permissions, expiresAtMs: untilMs } = body;
  await checkDelegation(tx, act, { product: QUARTERDECK, permissions, untilMs });
  const id = newId("key");
  const secret = newToken();
  const createdBy = actorOf(act);
  const facts = { id, serviceAccountId, ...body, createdBy, createdAtMs: act.nowMs };
  await insertApiKey(tx, { ...facts, secret });
  const detail = { serviceAccountId, name: body.name, scopes: permissions };
  await audit(tx, act, { action: "api-key.create", target: id, detail });
  return { key: { ...facts, lastUsedAtMs: null, revokedAtMs: null }, text: apiKeyText(id, secret) };
}

/** Takes effect at once at Accounts; access tokens that were had for it live on until they expire. */
export async function removeApiKey(
  tx: Queryable,
  act: Act,
  { audit, invalidateTokens, id }: Omit<Request, "ifMatch">,
): Promise<void> {
  const key = found(await readApiKey(tx, id, "FOR UPDATE"), "API key");
  if (key.revokedAtMs !== null) {
    throw new AppError("conflict", "This key is revoked already.");
  }
  await revokeApiKey(tx, id, act.nowMs);
  await invalidateTokens(tx, id);
  const detail = { serviceAccountId: key.serviceAccountId, name: key.name };
  await audit(tx, act, { action: "api-key.revoke", target: id, detail });
}
