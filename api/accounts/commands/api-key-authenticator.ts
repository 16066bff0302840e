import type { Kit } from "#api/kit/service.ts";

import { intersection } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { authenticateApiKey } from "../repositories/api-keys.ts";
import { permissionsOf } from "../repositories/permissions.ts";
import type { AuthenticatedToken } from "./token-authenticator.ts";

/** Knows API keys, while they may be used: with what of their scopes their service account is granted now. */
export function apiKeyAuthenticator({
  database,
  clock,
}: Pick<Kit, "database" | "clock">): (token: string) => Promise<AuthenticatedToken | undefined> {
  return async (token) => {
    if (!token.startsWith("qdk_")) return undefined;
    const nowMs = clock.nowMs();
    const key = await authenticateApiKey(database, token, nowMs);
    if (key === undefined) return undefined;
    const id = key.serviceAccountId;
    const granted = await permissionsOf(database, id, QUARTERDECK, nowMs);
    const permissions = new Set(intersection(granted, key.scopes));
    return {
      known: { kind: "service", id, sessionId: "", permissions },
      ids: [id, key.id],
      expiresMs: key.expiresAtMs,
    };
  };
}
