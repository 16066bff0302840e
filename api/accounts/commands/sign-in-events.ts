import type { Kit } from "#api/kit/service.ts";

import type { Origin } from "../domain/origin.ts";

const base = (origin: Origin) => ({
  "event.kind": "event",
  "source.ip": origin.address === "" ? undefined : origin.address,
  "user_agent.original": origin.userAgent === "" ? undefined : origin.userAgent,
  "trace.id": origin.traceId === "" ? undefined : origin.traceId,
});

/**
 * The ECS documents that the turnover metrics are made of: whoever reads this service's log counts `user-sign-in` and
 * `user-sign-out`. People and sessions are named by hashes.
 */
export function signInEvents(kit: Kit) {
  return {
    signedIn(accountId: string, sessionId: string, origin: Origin): void {
      kit.emit({
        ...base(origin),
        "log.level": "info",
        message: "somebody signed in",
        "event.category": ["authentication", "session"],
        "event.type": ["start"],
        "event.action": "user-sign-in",
        "event.outcome": "success",
        "user.hash": kit.hashUser(accountId),
        "session.id": kit.hashUser(sessionId),
      });
    },
    refused(accountId: string | undefined, reason: string, origin: Origin): void {
      kit.emit({
        ...base(origin),
        "log.level": "warn",
        message: "a sign-in was refused",
        "event.category": ["authentication"],
        "event.type": ["start"],
        // Not the name of a sign-in: whoever counts those by their action must not count this.
        "event.action": "user-sign-in-failed",
        "event.outcome": "failure",
        "event.reason": reason,
        "user.hash": accountId === undefined ? undefined : kit.hashUser(accountId),
      });
    },
    signedOut(accountId: string, sessionId: string, origin: Origin): void {
      kit.emit({
        ...base(origin),
        "log.level": "info",
        message: "a session ended",
        "event.category": ["session"],
        "event.type": ["end"],
        "event.action": "user-sign-out",
        "event.outcome": "success",
        "user.hash": kit.hashUser(accountId),
        "session.id": kit.hashUser(sessionId),
      });
    },
  };
}

export type SignInEvents = ReturnType<typeof signInEvents>;
