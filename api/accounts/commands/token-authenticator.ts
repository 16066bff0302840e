import type { Kit } from "#api/kit/service.ts";
import type { Caller } from "#platform/http/caller.ts";

/** What a bearer token proves, until when, and the ids under which it is forgotten. */
export type AuthenticatedToken = {
  known: Omit<Caller, "address">;
  ids: readonly string[];
  expiresMs: number;
};

type TokenAuthenticator = (token: string) => Promise<AuthenticatedToken | undefined>;

const TOKENS_MAX = 20_000;
/** Notifications are what keeps this true; should one be lost without a word, it is wrong for so long at most. */
const TRUSTED_MS = 30_000;

/**
 * Checks tokens exactly, and remembers what it found: a session that was ended anywhere is refused here as soon as the
 * notification is heard, which is sent with the commit. While notifications are not heard nothing is remembered.
 */
export function createTokenAuthenticator(
  kit: Pick<Kit, "notifications" | "clock">,
  authenticators: readonly TokenAuthenticator[],
): (token: string) => AuthenticatedToken | undefined | Promise<AuthenticatedToken | undefined> {
  const tokens = new Map<string, AuthenticatedToken & { untilMs: number }>();
  const tokensOf = new Map<string, Set<string>>();
  // What was read before something was forgotten may be what had to be forgotten: it is used once and not kept.
  let forgotten = 0;

  function drop(token: string): void {
    for (const id of tokens.get(token)?.ids ?? []) {
      const others = tokensOf.get(id);
      others?.delete(token);
      if (others?.size === 0) tokensOf.delete(id);
    }
    tokens.delete(token);
  }

  function forgetAll(): void {
    if (tokens.size === 0) return;
    tokens.clear();
    tokensOf.clear();
  }

  function keep(token: string, known: AuthenticatedToken, nowMs: number): void {
    drop(token);
    if (tokens.size >= TOKENS_MAX) {
      const [oldest = ""] = tokens.keys();
      drop(oldest);
    }
    tokens.set(token, { ...known, untilMs: Math.min(known.expiresMs, nowMs + TRUSTED_MS) });
    for (const id of known.ids) tokensOf.set(id, (tokensOf.get(id) ?? new Set()).add(token));
  }

  kit.notifications.on("tokens", (id) => {
    forgotten += 1;
    if (id === undefined) forgetAll();
    else for (const token of tokensOf.get(id) ?? []) drop(token);
  });

  async function look(token: string, nowMs: number, mayKeep: boolean) {
    const before = forgotten;
    const found = await firstKnown(authenticators, token);
    if (mayKeep && found !== undefined && before === forgotten) keep(token, found, nowMs);
    return found;
  }

  // Asked with every request: what is remembered is answered at once.
  return (token) => {
    const nowMs = kit.clock.nowMs();
    const isListening = kit.notifications.isListening();
    if (!isListening) forgetAll();
    const kept = tokens.get(token);
    return kept !== undefined && kept.untilMs > nowMs ? kept : look(token, nowMs, isListening);
  };
}

async function firstKnown(
  authenticators: readonly TokenAuthenticator[],
  token: string,
): Promise<AuthenticatedToken | undefined> {
  for (const knows of authenticators) {
    const found = await knows(token);
    if (found !== undefined) return found;
  }
  return undefined;
}
