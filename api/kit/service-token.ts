import { timingSafeEqual } from "node:crypto";

import type { Authenticate } from "#platform/http/tokens.ts";

import type { Kit, ServiceName } from "./service.ts";

/** Permissions of the installation's services in each other. */
const GRANTS: Partial<Record<ServiceName, ReadonlySet<string>>> = {
  reporting: new Set(["accounts:events:read", "billing:events:read"]),
};

type Secret = Kit["secret"];
const tokenOf = (secret: Secret, name: string): string =>
  secret(`service token of ${name}`).toString("base64url");

/**
 * The bearer token with which a service calls others of its installation. It is derived from the root key, but has only
 * the permissions of `GRANTS`.
 */
export const serviceToken = (kit: Pick<Kit, "secret">, name: ServiceName): string =>
  tokenOf(kit.secret, name);

/** Authenticates tokens of the installation's own services, and passes all others to `next`. */
export function serviceTokenAuthenticator(secret: Secret, next: Authenticate): Authenticate {
  const own = Object.entries(GRANTS).map(([name, permissions]) => ({
    bytes: Buffer.from(tokenOf(secret, name)),
    known: { kind: "service" as const, id: name, sessionId: "", permissions },
  }));
  const lengths = new Set(own.map((it) => it.bytes.length));
  return (token) => {
    if (!lengths.has(token.length)) return next(token);
    const bytes = Buffer.from(token);
    const found = own.find(
      (it) => it.bytes.length === bytes.length && timingSafeEqual(it.bytes, bytes),
    );
    return found === undefined ? next(token) : found.known;
  };
}
