import type { Call } from "#platform/http/route.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { CheckedCredentials, Credentials } from "./commands/check-credentials.ts";
import type { Passwords } from "./commands/passwords.ts";
import type { SecondFactors } from "./commands/second-factor.ts";
import type { SignInLog } from "./commands/sign-in-log.ts";
import type { createTokenAuthenticator } from "./commands/token-authenticator.ts";
import type { AuditEntry } from "./domain/audit-entry.ts";
import type { Origin } from "./domain/origin.ts";
import type { SealedTokens } from "./domain/sealed-token.ts";
import type { SignInMethod } from "./domain/sign-in-method.ts";
import type { Throttle } from "./domain/throttle.ts";
import type { AccountsKit } from "./kit.ts";
import type { Session } from "./repositories/sessions.ts";
import type { SigningKeys } from "./repositories/signing-keys.ts";

export type { Origin };

export type StartSession = {
  accountId: string;
  method: SignInMethod;
  origin: Origin;
  /** Set if the access token was signed before the transaction. */
  sessionId?: string;
  /** The only OIDC client that may refresh the session. */
  clientId?: string;
  /** From `credentials.check`: the password must be unchanged. */
  passwordHash?: CheckedCredentials["passwordHash"];
  /** From `credentials.check`: the code is used with the session. @throws CodeAlreadyUsed */
  secondFactor?: CheckedCredentials["secondFactor"];
};

export type Started = {
  session: Session;
  refreshToken: string;
  /** Sent at later sign-ins, it exempts this device from the throttling of other devices. */
  deviceToken: string;
};

export type Refreshed =
  | { ok: true; session: Session; refreshToken: string }
  | { ok: false; reason: "unknown" | "expired" | "ended" | "reused" | "other client" };

export type AccountsDeps = {
  kit: AccountsKit;
  keys: SigningKeys;
  /** Audits an action in its transaction; a refusal on its own. */
  audit(db: Queryable, entry: AuditEntry): Promise<void>;
  credentials: {
    /**
     * Checks password and second factor, throttled, outside a transaction. Refusals are audited.
     * @throws AppError unauthenticated, too_many_requests or unavailable
     */
    check(credentials: Credentials): Promise<CheckedCredentials>;
    /** Confirms the password before a sensitive action. @throws AppError */
    confirmPassword(of: {
      accountId: string;
      sessionId: string;
      password: string;
      origin: Origin;
    }): Promise<void>;
  };
  passwords: Passwords;
  secondFactors: SecondFactors;
  signInLog: SignInLog;
  throttle: Throttle;
  /** Refresh tokens, and tokens of links and devices. */
  tokens: SealedTokens;
  sessions: {
    /** Also audits and publishes. Call `announceStart` after the commit. */
    start(tx: Queryable, start: StartSession): Promise<Started>;
    /** Logs the ECS event that counts as a sign-in. */
    announceStart(started: Pick<StartSession, "accountId" | "origin">, sessionId: string): void;
    /** Uses its own transaction, as a reuse ends the session although the request is refused. */
    refresh(refreshToken: string, by: { clientId?: string; origin: Origin }): Promise<Refreshed>;
    /**
     * Ends live sessions; every worker rejects their tokens after the commit. Call `announceEnd` then. @returns their
     * ids
     */
    end(tx: Queryable, which: EndSessions): Promise<string[]>;
    announceEnd(accountId: string, sessionIds: readonly string[], origin: Origin): void;
    /** Signs an access token for the domain APIs, outside a transaction. */
    accessToken(of: {
      accountId: string;
      sessionId: string;
      method: SignInMethod;
      startedAtMs: number;
    }): Promise<{ accessToken: string; expiresInS: number }>;
    /** Undefined if it has ended or expired. */
    read(db: Queryable, sessionId: string, nowMs: number): Promise<Session | undefined>;
  };
  /** Cached until `invalidateTokens` is called with one of the token's ids. */
  authenticateToken: ReturnType<typeof createTokenAuthenticator>;
  /** Removes a token (or all of a session, account, service account, key) from all caches when `tx` commits. */
  invalidateTokens(tx: Queryable, id: string): Promise<void>;
};

export type EndSessions = {
  accountId: string;
  reason: string;
  origin: Origin;
  /** Default: the account itself. */
  actor?: string;
  /** Default: all. */
  sessionId?: string | undefined;
  except?: string | undefined;
};

export function originOf(
  call: Pick<Call<never, never, never, never>, "caller" | "traceId" | "nowMs" | "incoming">,
): Origin {
  const userAgent = call.incoming.headers["user-agent"] ?? "";
  return {
    address: call.caller.address,
    userAgent: userAgent.toWellFormed().replaceAll("\0", "").slice(0, 300),
    traceId: call.traceId,
    nowMs: call.nowMs,
  };
}
