import type { SignInMethod } from "./sign-in-method.ts";

/** A refresh token that was rotated is answered once more with the same successor for so long: a lost answer. */
export const REFRESH_GRACE_MS = 10_000;

/** One sign-in and all tokens that follow from it. Times in epoch ms. */
export type Session = {
  id: string;
  accountId: string;
  method: SignInMethod;
  clientId: string | undefined;
  /** Of the refresh token that is live: every refresh counts it up. */
  generation: number;
  rotatedAtMs: number;
  createdAtMs: number;
  lastSeenAtMs: number;
  /** When it ends unless it is refreshed before. */
  idleAtMs: number;
  /** When it ends whatever happens. */
  absoluteAtMs: number;
  endedAtMs: number | undefined;
  userAgent: string;
  address: string;
};

export type Lifetime = { idleMs: number; maxMs: number };

export const isLive = (
  session: Pick<Session, "endedAtMs" | "idleAtMs" | "absoluteAtMs">,
  nowMs: number,
): boolean =>
  session.endedAtMs === undefined && session.idleAtMs > nowMs && session.absoluteAtMs > nowMs;

/** What a refresh token of some generation may do now. */
export type RefreshDecision = "rotate" | "repeat" | "reused" | "ended" | "expired";

/**
 * The live token is rotated. The one before it, within the grace, gets the very same successor again: the client may
 * have lost the answer, and no second live token comes of it. Any other one was used by somebody who should not have
 * it, and nobody can say which of the two is the thief: the session ends (RFC 9700, 4.14.2).
 */
export function decideRefresh(
  session: Session,
  generation: number,
  nowMs: number,
): RefreshDecision {
  if (session.endedAtMs !== undefined) return "ended";
  if (!isLive(session, nowMs)) return "expired";
  if (generation === session.generation) return "rotate";
  const isLast = generation === session.generation - 1;
  return isLast && nowMs - session.rotatedAtMs <= REFRESH_GRACE_MS ? "repeat" : "reused";
}

/** Lifetimes of a new session, or after a refresh. */
export function extended(
  createdAtMs: number,
  nowMs: number,
  lifetime: Lifetime,
): { idleAtMs: number; absoluteAtMs: number } {
  const absoluteAtMs = createdAtMs + lifetime.maxMs;
  return { idleAtMs: Math.min(nowMs + lifetime.idleMs, absoluteAtMs), absoluteAtMs };
}
