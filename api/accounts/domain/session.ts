/** For this time a rotated refresh token returns the same successor, in case the response was lost. */
export const REFRESH_GRACE_MS = 10_000;

type SessionTimes = {
  generation: number;
  rotatedAtMs: number;
  idleAtMs: number;
  absoluteAtMs: number;
  endedAtMs: number | undefined;
};

export type Lifetime = { idleMs: number; maxMs: number };

export const isLive = (
  session: Pick<SessionTimes, "endedAtMs" | "idleAtMs" | "absoluteAtMs">,
  nowMs: number,
): boolean =>
  session.endedAtMs === undefined && session.idleAtMs > nowMs && session.absoluteAtMs > nowMs;

export type RefreshDecision = "rotate" | "repeat" | "reused" | "ended" | "expired";

/**
 * The current token is rotated. Its predecessor returns the same successor within the grace period. Any other token was
 * stolen or its thief was first, which cannot be distinguished, so the session ends (RFC 9700, 4.14.2).
 */
export function decideRefresh(
  session: SessionTimes,
  generation: number,
  nowMs: number,
): RefreshDecision {
  if (session.endedAtMs !== undefined) return "ended";
  if (!isLive(session, nowMs)) return "expired";
  if (generation === session.generation) return "rotate";
  const isLast = generation === session.generation - 1;
  return isLast && nowMs - session.rotatedAtMs <= REFRESH_GRACE_MS ? "repeat" : "reused";
}

export function extended(
  createdAtMs: number,
  nowMs: number,
  lifetime: Lifetime,
): { idleAtMs: number; absoluteAtMs: number } {
  const absoluteAtMs = createdAtMs + lifetime.maxMs;
  return { idleAtMs: Math.min(nowMs + lifetime.idleMs, absoluteAtMs), absoluteAtMs };
}
