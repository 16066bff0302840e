import type { Kit } from "#api/kit/service.ts";

import { isUsable } from "../domain/api-keys.ts";
import { within } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { readApiKey, useApiKey } from "../schema/api-keys.ts";
import { permissionsOf } from "../schema/grants.ts";
import { readServiceAccount } from "../schema/service-accounts.ts";
import type { SigningKeys } from "../schema/signing-keys.ts";
import type { KnownToken } from "./token-check.ts";

/** An access token of a service account; `key_id` is the key that it was had for. */
export const KEY_CLAIM = "key_id";

/** Knows API keys, and access tokens that service accounts had for them: both only while the key may be used. */
export function serviceAccountKnower(
  { database, clock }: Pick<Kit, "database" | "clock">,
  keys: SigningKeys,
): (token: string) => Promise<KnownToken | undefined> {
  return async (token) =>
    token.startsWith("qdk_") ? knownKey(token) : knownToken(await keys.verify(token));

  async function knownKey(text: string): Promise<KnownToken | undefined> {
    const nowMs = clock.nowMs();
    const key = await useApiKey(database, text, nowMs);
    if (key === undefined) return undefined;
    const granted = await permissionsOf(database, key.serviceAccountId, QUARTERDECK, nowMs);
    const facts = { id: key.serviceAccountId, permissions: within(granted, key.scopes) };
    return knownService({ ...facts, keyId: key.id, expiresMs: key.expiresAtMs });
  }

  async function knownToken(
    claims: Awaited<ReturnType<SigningKeys["verify"]>>,
  ): Promise<KnownToken | undefined> {
    const { sub: id = "", exp = 0, scope, [KEY_CLAIM]: keyId } = claims ?? {};
    if (!id.startsWith("svc_") || typeof keyId !== "string") return undefined;
    const [key, account] = await Promise.all([
      readApiKey(database, keyId),
      readServiceAccount(database, id),
    ]);
    if (key === undefined || !isUsable(key, clock.nowMs()) || account?.disabled !== false) {
      return undefined;
    }
    const permissions = String(scope)
      .split(" ")
      .filter((it) => it !== "");
    return knownService({ id, permissions, keyId, expiresMs: exp * 1_000 });
  }
}

const knownService = (it: {
  id: string;
  permissions: readonly string[];
  keyId: string;
  expiresMs: number;
}): KnownToken => ({
  known: { kind: "service", id: it.id, sessionId: "", permissions: new Set(it.permissions) },
  ids: [it.id, it.keyId],
  expiresMs: it.expiresMs,
});
