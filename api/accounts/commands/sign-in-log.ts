import type { Kit } from "#api/kit/service.ts";

import type { Origin } from "../domain/origin.ts";

const base = (origin: Origin) => ({
  "event.kind": "event",
  "source.ip": origin.address === "" ? undefined : origin.address,
  "user_agent.original": origin.userAgent === "" ? undefined : origin.userAgent,
  "trace.id": origin.traceId === "" ? undefined : origin.traceId,
});

/**
 * ECS events in the log of the service, from which the pipeline counts `user-sign-in` and `user-sign-out`. Accounts and
 * sessions are hashed.
 */
export function createSignInLog(kit: Kit) {
  return {
    signedIn(accountId: string, sessionId: string, origin: Origin): void {
      kit.emit({
        ...base(origin),
        "log.level": "info",
        message: "signed in",
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
        message: "sign-in refused",
        "event.category": ["authentication"],
        "event.type": ["start"],
        // A different action, so that it is not counted as a sign-in.
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
        message: "session ended",
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

export type SignInLog = ReturnType<typeof createSignInLog>;
