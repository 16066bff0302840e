import { randomUUID } from "node:crypto";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { AUDIENCE } from "#platform/http/tokens.ts";
import { newId } from "#platform/ids.ts";
import type { Database, Queryable } from "#platform/postgres/database.ts";

import type { AccountsDeps, EndSessions, Refreshed, StartSession, Started } from "../deps.ts";
import { accessTokenClaims } from "../domain/access-token.ts";
import { earliest } from "../domain/grants.ts";
import type { Origin } from "../domain/origin.ts";
import type { SealedTokens } from "../domain/sealed-token.ts";
import { decideRefresh, extended, isLive } from "../domain/session.ts";
import { AMR } from "../domain/sign-in-method.ts";
import type { AccountsKit } from "../kit.ts";
import { findAccount } from "../repositories/accounts.ts";
import { writeAudit } from "../repositories/audit.ts";
import { heldPermissions } from "../repositories/permissions.ts";
import { isServiceAccountEnabled } from "../repositories/service-accounts.ts";
import {
  type Session,
  endSessions,
  insertSession,
  notifyTokensInvalid,
  rotateSession,
  findSession,
} from "../repositories/sessions.ts";
import type { SigningKeys } from "../repositories/signing-keys.ts";
import type { AccountsSettings } from "../settings.ts";
import { originFields, wrongCredentials } from "./check-credentials.ts";
import { deviceTokenOf } from "./device-tokens.ts";
import type { SecondFactors } from "./second-factor.ts";
import type { SignInLog } from "./sign-in-log.ts";
import type { TokenAuthenticator } from "./token-authenticator.ts";

export type SessionLimits = Pick<AccountsSettings, "sessionIdleMs" | "sessionMaxMs">;

export type SessionDeps = {
  kit: AccountsKit;
  limits: SessionLimits;
  database: Database;
  keys: SigningKeys;
  tokens: SealedTokens;
  secondFactors: SecondFactors;
  signInLog: SignInLog;
};

export const REFRESH = "qdr";
/** `client_id` (required by RFC 9068) of tokens that were not issued to an OAuth client. */
const OWN_CLIENT = "accounts";

/** A valid code of the second factor was used concurrently. */
export class CodeAlreadyUsed extends AppError {
  readonly accountId: string;
  constructor(accountId: string) {
    const message = "this code was used before: use the next one";
    super("unauthenticated", `otp: ${message}.`, {
      fields: [{ path: "body.otp", code: "code_used", message }],
    });
    this.accountId = accountId;
  }
}

export function openSessions(deps: SessionDeps): AccountsDeps["sessions"] {
  const { kit, signInLog } = deps;
  return {
    start: (tx, start) => startSession(deps, tx, start),
    announceStart: ({ accountId, origin }, sessionId) =>
      signInLog.signedIn(accountId, sessionId, origin),
    refresh: (token, by) =>
      deps.database
        .transaction((tx) => refresh(deps, tx, { token, ...by }))
        .then((it) => {
          if (it.ended !== undefined)
            signInLog.signedOut(it.ended.accountId, it.ended.id, by.origin);
          return it.outcome;
        }),
    end: (tx, which) => end(deps, tx, which),
    announceEnd(accountId, sessionIds, origin) {
      for (const id of sessionIds) signInLog.signedOut(accountId, id, origin);
    },
    async accessToken({ accountId, sessionId, method, startedAtMs }) {
      const nowMs = kit.clock.nowMs();
      const held = await heldPermissions(deps.database, accountId, { product: AUDIENCE, nowMs });
      const claims = accessTokenClaims({
        issuer: kit.url,
        audience: AUDIENCE,
        subject: accountId,
        clientId: OWN_CLIENT,
        sessionId,
        permissions: held.map((it) => it.permission),
        untilMs: earliest(held.map((it) => it.untilMs)),
        authTimeMs: startedAtMs,
        methods: AMR[method],
        id: randomUUID(),
        nowMs,
      });
      const accessToken = await deps.keys.sign(claims, { typ: "at+jwt" });
      return { accessToken, expiresInS: claims.exp - claims.iat };
    },
    async read(db, sessionId, nowMs) {
      const session = await findSession(db, sessionId);
      return session !== undefined && isLive(session, nowMs) ? session : undefined;
    },
  };
}

async function startSession(
  deps: SessionDeps,
  tx: Queryable,
  start: StartSession,
): Promise<Started> {
  const { accountId, method, origin } = start;
  // The lock waits for a concurrent password change or closing, which ends all existing sessions.
  const account = await findAccount(tx, accountId, "lock");
  if (account === undefined || account.closedAtMs !== undefined) {
    throw new AppError("unauthenticated", "This account is closed.");
  }
  if (start.passwordHash !== undefined && start.passwordHash !== account.passwordHash) {
    throw wrongCredentials();
  }
  if (start.secondFactor !== undefined) {
    const isFirst = await deps.secondFactors.use(tx, accountId, start.secondFactor);
    if (!isFirst) throw new CodeAlreadyUsed(accountId);
  }
  const { nowMs } = origin;
  const { sessionIdleMs: idleMs, sessionMaxMs: maxMs } = deps.limits;
  const session: Session = {
    id: start.sessionId ?? newId("ses"),
    accountId,
    method,
    clientId: start.clientId,
    generation: 1,
    rotatedAtMs: nowMs,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    ...extended(nowMs, nowMs, { idleMs, maxMs }),
    endedAtMs: undefined,
    userAgent: origin.userAgent,
    address: origin.address,
  };
  await insertSession(tx, session);
  const detail = { sessionId: session.id, method };
  await writeAudit(tx, auditEntry(accountId, "session.start", { origin, detail }));
  await deps.kit.publish(tx, {
    type: "session.started",
    subject: session.id,
    atMs: nowMs,
    traceId: origin.traceId,
    data: { accountId, ...detail },
  });
  return {
    session,
    refreshToken: refreshTokenOf(deps.tokens, session.id, 1),
    deviceToken: deviceTokenOf(deps.tokens, accountId, method),
  };
}

export const refreshTokenOf = (
  tokens: SealedTokens,
  sessionId: string,
  generation: number,
): string => tokens.seal(REFRESH, `${sessionId} ${generation}`);

const auditEntry = (
  accountId: string,
  action: string,
  more: { origin: Origin; detail: Record<string, unknown>; actor?: string; outcome?: "failure" },
) => ({
  atMs: more.origin.nowMs,
  actor: more.actor ?? accountId,
  action,
  outcome: more.outcome ?? ("success" as const),
  subject: accountId,
  ...originFields(more.origin),
  detail: more.detail,
});

type RefreshResult = { outcome: Refreshed; ended?: Session };

const refuse = (reason: (Refreshed & { ok: false })["reason"]): RefreshResult => ({
  outcome: { ok: false, reason },
});

async function refresh(
  deps: SessionDeps,
  tx: Queryable,
  by: { token: string; clientId?: string; origin: Origin },
): Promise<RefreshResult> {
  const { nowMs } = by.origin;
  const [id = "", generationText = ""] = deps.tokens.open(REFRESH, by.token)?.split(" ") ?? [];
  const session = id === "" ? undefined : await findSession(tx, id, "lock");
  if (session === undefined) return refuse("unknown");
  if (session.clientId !== by.clientId) return refuse("other client");
  const decision = decideRefresh(session, Number(generationText), nowMs);
  if (decision === "ended" || decision === "expired") return refuse(decision);
  if (decision === "reused") {
    const reason = "refresh token reused";
    await end(deps, tx, { accountId: session.accountId, sessionId: id, reason, origin: by.origin });
    return { ...refuse("reused"), ended: session };
  }
  if (decision === "repeat") return accepted(deps, session);
  const { sessionIdleMs: idleMs, sessionMaxMs: maxMs } = deps.limits;
  const { idleAtMs } = extended(session.createdAtMs, nowMs, { idleMs, maxMs });
  const { address, userAgent } = by.origin;
  await rotateSession(tx, session, { nowMs, idleAtMs, address, userAgent });
  return accepted(deps, { ...session, generation: session.generation + 1, idleAtMs });
}

const accepted = (deps: SessionDeps, session: Session): RefreshResult => ({
  outcome: {
    ok: true,
    session,
    refreshToken: refreshTokenOf(deps.tokens, session.id, session.generation),
  },
});

async function end(deps: SessionDeps, tx: Queryable, which: EndSessions): Promise<string[]> {
  const { accountId, reason, origin, actor } = which;
  const ended = await endSessions(tx, {
    accountId,
    reason,
    sessionId: which.sessionId,
    except: which.except,
    nowMs: origin.nowMs,
  });
  for (const sessionId of ended) {
    const detail = { sessionId, reason };
    const more = { origin, detail, ...(actor === undefined ? {} : { actor }) };
    await writeAudit(tx, auditEntry(accountId, "session.end", more));
    await deps.kit.publish(tx, {
      type: "session.ended",
      subject: sessionId,
      atMs: origin.nowMs,
      traceId: origin.traceId,
      data: { accountId, ...detail },
    });
    await notifyTokensInvalid(tx, sessionId);
  }
  return ended;
}

const Claims = z.object({
  sub: z.string().regex(/^(?:acc|svc)_[0-9a-f]{24}$/),
  sid: z.string().optional(),
  scope: z.string().default(""),
  exp: z.number(),
});

/** Authenticates access tokens by their signature and the state of their session or service account. */
export function accessTokenAuthenticator(
  deps: Pick<SessionDeps, "kit" | "keys" | "database">,
): TokenAuthenticator {
  return async (token) => {
    if (!token.startsWith("ey")) return undefined;
    const claims = Claims.safeParse(await deps.keys.verify(token)).data;
    if (claims === undefined) return undefined;
    const { sub, sid = "" } = claims;
    const kind = sub.startsWith("acc_") ? "account" : "service";
    const untilMs = await (kind === "account"
      ? sessionEnd(deps, { accountId: sub, sessionId: sid })
      : isServiceAccountEnabled(deps.database, sub).then((enabled) =>
          enabled ? Infinity : undefined,
        ));
    if (untilMs === undefined) return undefined;
    const permissions = new Set(claims.scope.split(" ").filter((it) => it !== ""));
    return {
      caller: { kind, id: sub, sessionId: sid, permissions },
      ids: sid === "" ? [sub] : [sub, sid],
      expiresAtMs: Math.min(claims.exp * 1_000, untilMs),
    };
  };
}

/** The idle timeout of a live session. */
async function sessionEnd(
  { kit, database }: Pick<SessionDeps, "kit" | "database">,
  of: { accountId: string; sessionId: string },
): Promise<number | undefined> {
  const session = of.sessionId === "" ? undefined : await findSession(database, of.sessionId);
  const isValid = session?.accountId === of.accountId && isLive(session, kit.clock.nowMs());
  return isValid ? session.idleAtMs : undefined;
}
