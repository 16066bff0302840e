import { timingSafeEqual } from "node:crypto";

import { type JWTVerifyGetKey, createRemoteJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";

import { AppError } from "../errors.ts";
import type { Caller } from "./caller.ts";

/** The audience of access tokens for the domain APIs themselves; other products have their own. */
export const AUDIENCE = "quarterdeck";
export const ACCESS_TOKEN_ALGORITHM = "ES256";

/** Claims of an access token of Accounts (RFC 9068): `scope` has the permissions. */
const Claims = z.object({
  sub: z.string().regex(/^(?:acc|svc)_[0-9a-f]{24}$/),
  sid: z.string().optional(),
  scope: z.string().default(""),
  exp: z.number(),
});

type Known = Omit<Caller, "address">;
type Verified = { known: Known; freshUntilMs: number; expiresMs: number };
/** What a token proves: at once where it is remembered, since every request asks. */
export type Authenticate = (token: string) => Known | undefined | Promise<Known | undefined>;

const CACHE_MAX = 5_000;
/**
 * A key that Accounts has withdrawn is believed for at most as long as both together: five minutes, as is said where
 * keys are withdrawn. When whoever stole it lets its tokens expire is not asked.
 */
const KEYS_KEPT_MS = 4 * 60_000;
const VERIFIED_KEPT_MS = 60_000;

/** The public keys of Accounts, read again before they are old. */
export const keysOfAccounts = (accountsUrl: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL("/.well-known/jwks.json", accountsUrl), { cacheMaxAge: KEYS_KEPT_MS });

/** Whether a token is the root key of the installation; the comparison takes as long for every wrong one of its length. */
export function rootKeyCheck(rootKey: string): (token: string) => boolean {
  const expected = Buffer.from(rootKey);
  return (token) => {
    if (token.length !== rootKey.length) return false;
    const given = Buffer.from(token);
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}

/**
 * Knows the access tokens that Accounts signs, by its public keys. A token that was verified is remembered for a moment,
 * so its signature is not checked with every request; while the keys cannot be had, until it expires. Revoking a session
 * takes effect here when its last token expires.
 */
export function tokenAuthenticator(options: {
  keys: JWTVerifyGetKey;
  issuer: string;
  nowMs: () => number;
}): Authenticate {
  const verified = new Map<string, Verified>();
  async function verify(token: string): Promise<Known | undefined> {
    const claims = await verifiedClaims(token, options);
    if (claims === undefined) {
      verified.delete(token);
      return undefined;
    }
    const expiresMs = claims.exp * 1_000;
    const known: Known = {
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
    const freshUntilMs = Math.min(expiresMs, options.nowMs() + VERIFIED_KEPT_MS);
    verified.set(token, { known, freshUntilMs, expiresMs });
    return known;
  }
  return (token) => {
    const nowMs = options.nowMs();
    const cached = verified.get(token);
    if (cached === undefined || cached.expiresMs <= nowMs) return verify(token);
    if (cached.freshUntilMs > nowMs) return cached.known;
    return verify(token).catch((error: unknown) => {
      if (error instanceof AppError && error.code === "unavailable") return cached.known;
      throw error;
    });
  };
}

/** Trouble with getting the keys (no answer, another answer than 200, no keys in it) says nothing about the token. */
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
        "Accounts does not answer, so the token cannot be checked.",
        {
          cause: error,
          waitMs: 2_000,
        },
      );
    }
    return undefined;
  }
}
