import type { Kit } from "#api/kit/service.ts";

import { within } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { useApiKey } from "../repositories/api-keys.ts";
import { permissionsOf } from "../repositories/grants.ts";
import type { KnownToken } from "./token-check.ts";

/** Knows API keys, while they may be used: with what of their scopes their service account is granted now. */
export function apiKeyKnower({
  database,
  clock,
}: Pick<Kit, "database" | "clock">): (token: string) => Promise<KnownToken | undefined> {
  return async (token) => {
    if (!token.startsWith("qdk_")) return undefined;
    const nowMs = clock.nowMs();
    const key = await useApiKey(database, token, nowMs);
    if (key === undefined) return undefined;
    const id = key.serviceAccountId;
    const granted = await permissionsOf(database, id, QUARTERDECK, nowMs);
    const permissions = new Set(within(granted, key.scopes));
    return {
      known: { kind: "service", id, sessionId: "", permissions },
      ids: [id, key.id],
      expiresMs: key.expiresAtMs,
    };
  };
}
