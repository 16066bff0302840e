import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { newToken } from "#platform/secrets.ts";

import { API_KEY_MS_MAX, apiKeyText } from "../domain/api-keys.ts";
import { intersection } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { type ApiKey, insertApiKey, lockApiKey, revokeApiKey } from "../repositories/api-keys.ts";
import { permissionsOf } from "../repositories/permissions.ts";
import {
  type ServiceAccount,
  deleteServiceAccount,
  insertServiceAccount,
  readServiceAccount,
  updateServiceAccount,
} from "../repositories/service-accounts.ts";
import {
  type CallContext,
  type CommandDeps,
  actorOf,
  found,
  invalidField,
  nameTaken,
} from "./call-context.ts";
import { checkDelegation } from "./check-delegation.ts";

/** A new service account has no permissions. */
export async function createServiceAccount(
  tx: Queryable,
  call: CallContext,
  { audit, body }: CommandDeps & { body: { name: string; description: string } },
): Promise<ServiceAccount> {
  const account = await insertServiceAccount(tx, {
    ...body,
    id: newId("svc"),
    createdBy: actorOf(call.caller),
    createdAtMs: call.nowMs,
  });
  if (account === undefined) {
    throw nameTaken("name", `The service account ${body.name} exists already.`);
  }
  const { id, name } = account;
  await audit(tx, call, { action: "service-account.create", target: id, detail: { name } });
  return account;
}

type Request = CommandDeps & { id: string; ifMatch: number | undefined };
type Change = { description?: string | undefined; disabled?: boolean | undefined };

async function lockServiceAccount(
  tx: Queryable,
  { id, ifMatch }: Pick<Request, "id" | "ifMatch">,
): Promise<ServiceAccount> {
  const account = found(await readServiceAccount(tx, id, "FOR UPDATE"), "service account");
  checkVersion(ifMatch, account.version);
  return account;
}

/** Enabling a service account restores what is granted to it, so the caller must hold that. */
export async function changeServiceAccount(
  tx: Queryable,
  call: CallContext,
  { audit, invalidateTokens, id, ifMatch, body }: Request & { body: Change },
): Promise<ServiceAccount> {
  const before = await lockServiceAccount(tx, { id, ifMatch });
  if (before.disabled && body.disabled === false) {
    const at = { product: QUARTERDECK, nowMs: call.nowMs };
    const permissions = await permissionsOf(tx, id, at);
    await checkDelegation(tx, call, { product: QUARTERDECK, permissions, untilMs: undefined });
  }
  const account = await updateServiceAccount(tx, id, { ...body, nowMs: call.nowMs });
  const { disabled } = account;
  if (disabled !== before.disabled) await invalidateTokens(tx, id);
  await audit(tx, call, { action: "service-account.change", target: id, detail: { disabled } });
  return account;
}

export async function removeServiceAccount(
  tx: Queryable,
  call: CallContext,
  { audit, invalidateTokens, id, ifMatch }: Request,
): Promise<void> {
  const { name } = await lockServiceAccount(tx, { id, ifMatch });
  await deleteServiceAccount(tx, id);
  await invalidateTokens(tx, id);
  await audit(tx, call, { action: "service-account.delete", target: id, detail: { name } });
}

type NewApiKey = { name: string; scopes: string[]; expiresAtMs: number };

/**
 * Creates a key. Its scopes must be granted to the service account and be held by the caller for as long. The secret is
 * returned here only.
 */
export async function createApiKey(
  tx: Queryable,
  call: CallContext,
  { audit, id: serviceAccountId, body }: Omit<Request, "ifMatch"> & { body: NewApiKey },
): Promise<{ key: ApiKey; text: string }> {
  const { nowMs } = call;
  found(await readServiceAccount(tx, serviceAccountId, "FOR SHARE"), "service account");
  if (body.expiresAtMs <= nowMs || body.expiresAtMs > nowMs + API_KEY_MS_MAX) {
    throw invalidField("expiresAt", "out_of_range", "give a time within the next year");
  }
  const granted = await permissionsOf(tx, serviceAccountId, { product: QUARTERDECK, nowMs });
  const missing = body.scopes.filter((it) => !intersection(granted, [it]).includes(it));
  if (missing.length > 0) {
    const message = `${missing.slice(0, 20).join(", ")}: grant it to the service account first`;
    throw invalidField("scopes", "not_granted", message);
  }
  const { scopes: permissions, expiresAtMs: untilMs } = body;
  await checkDelegation(tx, call, { product: QUARTERDECK, permissions, untilMs });
  const id = newId("key");
  const secret = newToken();
  const created = { id, createdBy: actorOf(call.caller), createdAtMs: nowMs };
  const key = await insertApiKey(tx, { ...body, ...created, serviceAccountId, secret });
  const detail = { serviceAccountId, name: body.name, scopes: permissions };
  await audit(tx, call, { action: "api-key.create", target: id, detail });
  return { key, text: apiKeyText(id, secret) };
}

/** Revokes a key, effective immediately at Accounts; access tokens issued for it stay valid until they expire. */
export async function removeApiKey(
  tx: Queryable,
  call: CallContext,
  { audit, invalidateTokens, id }: Omit<Request, "ifMatch">,
): Promise<void> {
  const key = found(await lockApiKey(tx, id), "API key");
  if (key.revokedAtMs !== null) {
    throw new AppError("conflict", "This key is already revoked.");
  }
  await revokeApiKey(tx, id, call.nowMs);
  await invalidateTokens(tx, id);
  const detail = { serviceAccountId: key.serviceAccountId, name: key.name };
  await audit(tx, call, { action: "api-key.revoke", target: id, detail });
}
