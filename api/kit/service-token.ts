import type { Authenticate } from "#platform/http/tokens.ts";

import {
  type CallingService,
  type ServiceKeys,
  serviceTokenOf,
  tokenCheck,
  tokenFrom,
} from "./keys.ts";
import type { Kit } from "./service.ts";

/** Permissions of the installation's services in each other. */
const GRANTS: Readonly<Record<CallingService, ReadonlySet<string>>> = {
  reporting: new Set(["accounts:events:read", "billing:events:read"]),
};

/**
 * The bearer token with which a service calls others of its installation. It is derived from the root key, but has only
 * the permissions of `GRANTS`.
 */
export const serviceToken = (kit: Pick<Kit, "secret">, name: CallingService): string =>
  tokenFrom(kit.secret(serviceTokenOf(name)));

/** Authenticates tokens of the installation's own services, and passes all others to `next`. */
export function serviceTokenAuthenticator(
  hashes: ServiceKeys["serviceTokens"],
  next: Authenticate,
): Authenticate {
  const own = Object.entries(GRANTS).flatMap(([name, permissions]) => {
    const hash = hashes[name];
    const known = { kind: "service" as const, id: name, sessionId: "", permissions };
    return hash === undefined ? [] : [{ matches: tokenCheck(hash), known }];
  });
  return (token) => {
    const found = own.find((it) => it.matches(token));
    return found === undefined ? next(token) : found.known;
  };
}
