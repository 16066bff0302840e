import { intersection } from "../domain/grants.ts";
import { QUARTERDECK } from "../domain/products.ts";
import type { AccountsKit } from "../kit.ts";
import { authenticateApiKey } from "../repositories/api-keys.ts";
import { permissionsOf } from "../repositories/permissions.ts";
import type { TokenAuthenticator } from "./token-authenticator.ts";

/** Authenticates API keys, with those of their scopes that are granted to their service account now. */
export const apiKeyAuthenticator =
  ({ database, clock }: Pick<AccountsKit, "database" | "clock">): TokenAuthenticator =>
  async (token) => {
    if (!token.startsWith("qdk_")) return undefined;
    const nowMs = clock.nowMs();
    const key = await authenticateApiKey(database, token, nowMs);
    if (key === undefined) return undefined;
    const id = key.serviceAccountId;
    const granted = await permissionsOf(database, id, { product: QUARTERDECK, nowMs });
    const permissions = new Set(intersection(granted, key.scopes));
    return {
      caller: { kind: "service", id, sessionId: "", permissions },
      ids: [id, key.id],
      expiresAtMs: key.expiresAtMs,
    };
  };
