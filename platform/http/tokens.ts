import { type JWTVerifyGetKey, createRemoteJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";

import { AppError } from "../errors.ts";
import type { Caller } from "./caller.ts";

/** The audience of access tokens for the domain APIs; other products have their own. */
export const AUDIENCE = "quarterdeck";
export const ACCESS_TOKEN_ALGORITHM = "ES256";

/** Claims of an access token of Accounts (RFC 9068); `scope` lists the permissions. */
const Claims = z.object({
  sub: z.string().regex(/^(?:acc|svc)_[0-9a-f]{24}$/),
  sid: z.string().optional(),
  scope: z.string().default(""),
  exp: z.number(),
});

type Identity = Omit<Caller, "address">;
type Verified = { identity: Identity; freshUntilMs: number; expiresMs: number };
/** Verifies a token; synchronous if the result is cached, because every request needs it. */
export type Authenticate = (token: string) => Identity | undefined | Promise<Identity | undefined>;

const CACHE_MAX = 5_000;
/** Tokens of a withdrawn signing key are accepted for at most the sum of both: five minutes, whenever they expire. */
const KEYS_CACHED_MS = 4 * 60_000;
const VERIFIED_CACHED_MS = 60_000;

/** The public keys of Accounts, fetched again when the cache expires. */
export const keysOfAccounts = (accountsUrl: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL("/.well-known/jwks.json", accountsUrl), {
    cacheMaxAge: KEYS_CACHED_MS,
  });

/**
 * Verifies the access tokens of Accounts by its public keys. A verified token is cached for a minute, and while the
 * keys are unavailable until it expires. Revoking a session takes effect here when its last token expires.
 */
export function tokenAuthenticator(options: {
  keys: JWTVerifyGetKey;
  issuer: string;
  nowMs: () => number;
}): Authenticate {
  const verified = new Map<string, Verified>();
  async function verify(token: string): Promise<Identity | undefined> {
    const claims = await verifiedClaims(token, options);
    if (claims === undefined) {
      verified.delete(token);
      return undefined;
    }
    const expiresMs = claims.exp * 1_000;
    const identity: Identity = {
      kind: claims.sub.startsWith("svc_") ? "service" : "account",
      id: claims.sub,
      sessionId: claims.sid ?? "",
      permissions: new Set(claims.scope.split(" ").filter((it) => it !== "")),
      endsMs: expiresMs,
    };
    if (verified.size >= CACHE_MAX) {
      const [oldest = ""] = verified.keys();
      verified.delete(oldest);
    }
    const freshUntilMs = Math.min(expiresMs, options.nowMs() + VERIFIED_CACHED_MS);
    verified.set(token, { identity, freshUntilMs, expiresMs });
    return identity;
  }
  return (token) => {
    const nowMs = options.nowMs();
    const cached = verified.get(token);
    if (cached === undefined || cached.expiresMs <= nowMs) return verify(token);
    if (cached.freshUntilMs > nowMs) return cached.identity;
    return verify(token).catch((error: unknown) => {
      if (error instanceof AppError && error.code === "unavailable") return cached.identity;
      throw error;
    });
  };
}

/** Errors of fetching the keys (no response, a status other than 200, an invalid body), not of the token. */
const ABOUT_KEYS = new Set([
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JOSEError.code,
]);

async function verifiedClaims(
  token: string,
  options: { keys: JWTVerifyGetKey; issuer: string; nowMs: () => number },
): Promise<z.infer<typeof Claims> | undefined> {
  try {
    const { payload } = await jwtVerify(token, options.keys, {
      issuer: options.issuer,
      audience: AUDIENCE,
      typ: "at+jwt",
      algorithms: [ACCESS_TOKEN_ALGORITHM],
      currentDate: new Date(options.nowMs()),
    });
    return Claims.safeParse(payload).data;
  } catch (error) {
    if (!(error instanceof errors.JOSEError) || ABOUT_KEYS.has(error.code)) {
      throw new AppError(
        "unavailable",
        "Accounts does not answer, so the token cannot be verified.",
        {
          cause: error,
          waitMs: 2_000,
        },
      );
    }
    return undefined;
  }
}
