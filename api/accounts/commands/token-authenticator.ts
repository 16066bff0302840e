import type { Caller } from "#platform/http/caller.ts";

import type { AccountsKit } from "../kit.ts";

/** The caller that a bearer token authenticates, and the ids by which the token is invalidated. */
export type AuthenticatedToken = {
  caller: Omit<Caller, "address">;
  ids: readonly string[];
  expiresAtMs: number;
};

/** Authenticates one kind of bearer token; undefined for any other. */
export type TokenAuthenticator = (token: string) => Promise<AuthenticatedToken | undefined>;

const TOKENS_MAX = 20_000;
/** Limits the effect of a lost notification. */
const CACHED_MS_MAX = 30_000;

/**
 * Authenticates tokens and caches the result. Ending a session on any worker sends a notification with the commit, which
 * removes its tokens from every cache. While notifications are not received nothing is cached.
 */
export function createTokenAuthenticator(
  kit: Pick<AccountsKit, "notifications" | "clock">,
  authenticators: readonly TokenAuthenticator[],
): (token: string) => AuthenticatedToken | undefined | Promise<AuthenticatedToken | undefined> {
  const tokens = new Map<string, AuthenticatedToken & { untilMs: number }>();
  const tokensOf = new Map<string, Set<string>>();
  // A result that was read before an invalidation may be outdated, so it is not cached.
  let invalidations = 0;

  function remove(token: string): void {
    for (const id of tokens.get(token)?.ids ?? []) {
      const others = tokensOf.get(id);
      others?.delete(token);
      if (others?.size === 0) tokensOf.delete(id);
    }
    tokens.delete(token);
  }

  function clear(): void {
    if (tokens.size === 0) return;
    tokens.clear();
    tokensOf.clear();
  }

  function add(token: string, result: AuthenticatedToken, nowMs: number): void {
    remove(token);
    if (tokens.size >= TOKENS_MAX) {
      const [oldest = ""] = tokens.keys();
      remove(oldest);
    }
    tokens.set(token, { ...result, untilMs: Math.min(result.expiresAtMs, nowMs + CACHED_MS_MAX) });
    for (const id of result.ids) tokensOf.set(id, (tokensOf.get(id) ?? new Set()).add(token));
  }

  kit.notifications.on("tokens", (id) => {
    invalidations += 1;
    if (id === undefined) clear();
    else for (const token of tokensOf.get(id) ?? []) remove(token);
  });

  async function authenticate(token: string, nowMs: number, mayCache: boolean) {
    const before = invalidations;
    const result = await firstResult(authenticators, token);
    if (mayCache && result !== undefined && before === invalidations) add(token, result, nowMs);
    return result;
  }

  // Called for every request: cached results are returned synchronously.
  return (token) => {
    const nowMs = kit.clock.nowMs();
    const mayCache = kit.notifications.isListening();
    if (!mayCache) clear();
    const cached = tokens.get(token);
    if (cached !== undefined && cached.untilMs > nowMs) return cached;
    return authenticate(token, nowMs, mayCache);
  };
}

async function firstResult(
  authenticators: readonly TokenAuthenticator[],
  token: string,
): Promise<AuthenticatedToken | undefined> {
  for (const authenticate of authenticators) {
    const result = await authenticate(token);
    if (result !== undefined) return result;
  }
  return undefined;
}
