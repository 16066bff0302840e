import type { Call } from "#platform/http/route.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { CheckedCredentials, Credentials } from "./commands/check-credentials.ts";
import type { Passwords } from "./commands/passwords.ts";
import type { SecondFactors } from "./commands/second-factor.ts";
import type { SignInEvents } from "./commands/sign-in-events.ts";
import type { AuthenticatedToken } from "./commands/token-authenticator.ts";
import type { AuditEntry } from "./domain/audit-entry.ts";
import type { Origin } from "./domain/origin.ts";
import type { SealedTokens } from "./domain/sealed-token.ts";
import type { Session } from "./domain/session.ts";
import type { SignInMethod } from "./domain/sign-in-method.ts";
import type { Throttle } from "./domain/throttle.ts";
import type { AccountsKit } from "./kit.ts";
import type { SigningKeys } from "./repositories/signing-keys.ts";

export type { Origin };

export type StartSession = {
  accountId: string;
  method: SignInMethod;
  origin: Origin;
  /** Made before, where the access token had to be signed before the transaction. */
  sessionId?: string;
  /** OIDC client that the session belongs to: only it may refresh it. */
  clientId?: string;
  /** What `credentials.check` gave: the password must still be this one. */
  passwordHash?: CheckedCredentials["passwordHash"];
  /** What `credentials.check` gave: the code is used up with the session. @throws CodeAlreadyUsed */
  secondFactor?: CheckedCredentials["secondFactor"];
};

export type Started = {
  session: Session;
  refreshToken: string;
  /** Shown at a later sign-in, it keeps this device apart from whoever guesses passwords elsewhere. */
  deviceToken: string;
};

export type Refreshed =
  | { ok: true; session: Session; refreshToken: string }
  | { ok: false; reason: "unknown" | "expired" | "ended" | "reused" | "other client" };

/** What the routes of Accounts share. */
export type AccountsDeps = {
  kit: AccountsKit;
  keys: SigningKeys;
  /** Writes down a decision, in the transaction of what was decided (or on its own, for a refusal). */
  audit(db: Queryable, entry: AuditEntry): Promise<void>;
  credentials: {
    /**
     * Password and second factor, throttled; to be called outside a transaction. Refusals are audited.
     * @throws AppError unauthenticated, too_many_requests or unavailable
     */
    check(credentials: Credentials): Promise<CheckedCredentials>;
    /** The password of an account that is signed in, asked again before something grave. @throws AppError */
    confirmPassword(of: {
      accountId: string;
      sessionId: string;
      password: string;
      origin: Origin;
    }): Promise<void>;
  };
  passwords: Passwords;
  secondFactors: SecondFactors;
  facts: SignInEvents;
  throttle: Throttle;
  /** Tokens of links and devices. */
  tokens: SealedTokens;
  sessions: {
    /** Audits and publishes too. Call `announceStart` when the transaction is committed. */
    start(tx: Queryable, start: StartSession): Promise<Started>;
    /** Writes the ECS event that counts as a sign-in. */
    announceStart(started: Pick<StartSession, "accountId" | "origin">, sessionId: string): void;
    /** In a transaction of its own, as a reuse ends the session although the request is refused. */
    refresh(refreshToken: string, by: { clientId?: string; origin: Origin }): Promise<Refreshed>;
    /**
     * Ends live sessions; gives their ids. Every worker refuses their tokens from the commit on. Call `announceEnd` then.
     */
    end(tx: Queryable, which: EndSessions): Promise<string[]>;
    announceEnd(accountId: string, sessionIds: readonly string[], origin: Origin): void;
    /** An access token for the domain APIs; sign it outside a transaction. */
    accessToken(of: {
      accountId: string;
      sessionId: string;
      method: SignInMethod;
      startedAtMs: number;
    }): Promise<{ accessToken: string; expiresInS: number }>;
    /** The live session of an id, undefined when it has ended or expired. */
    read(db: Queryable, sessionId: string, nowMs: number): Promise<Session | undefined>;
  };
  /** Whose bearer token this is: exact, and remembered until `forgetTokens` names one of its ids. */
  authenticateToken: TokenAuthenticator;
  /** Forgets a token (or all of a session, account, service account, key) in every worker, at the commit of `tx`. */
  invalidateTokens(tx: Queryable, id: string): Promise<void>;
};

export type EndSessions = {
  accountId: string;
  reason: string;
  origin: Origin;
  /** Who does it; default: the account itself. */
  actor?: string;
  /** One session; default: all. */
  sessionId?: string | undefined;
  except?: string | undefined;
};

/** Knows one kind of bearer token; `ids` are those under which `forgetTokens` finds it. */
type TokenAuthenticator = (
  token: string,
) => AuthenticatedToken | undefined | Promise<AuthenticatedToken | undefined>;

/** The origin of a call. */
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
