import type { JWTPayload } from "jose";

import type { Origin } from "../deps.ts";
import { findAccount } from "../repositories/accounts.ts";
import type { OAuthClient } from "../repositories/clients.ts";
import { isServiceAccountEnabled } from "../repositories/service-accounts.ts";
import type { Session } from "../repositories/sessions.ts";
import type { CommandDeps } from "./call-context.ts";
import { REFRESH } from "./sessions.ts";

type TokenRequest = { client: OAuthClient; token: string; origin: Origin };

/** Ends the session of a token of this client; an invalid token is not an error (RFC 7009, 2.2). */
export async function revoke(
  deps: CommandDeps,
  { client, token, origin }: TokenRequest,
): Promise<void> {
  const claims = await accessClaims(deps, token);
  const sessionId = parseRefreshToken(deps, token)?.sessionId ?? stringOf(claims?.["sid"]);
  await endSession(deps, { sessionId, clientId: client.id, reason: "token revoked", origin });
}

type SessionEnd = { sessionId: string; clientId: string; reason: string; origin: Origin };

/** Ends a live session if it belongs to the client. */
export async function endSession(
  deps: CommandDeps,
  { sessionId, clientId, reason, origin }: SessionEnd,
): Promise<void> {
  const { database } = deps.kit;
  const ended = await database.transaction(async (tx) => {
    const session = await deps.sessions.read(tx, sessionId, origin.nowMs);
    if (session?.clientId !== clientId) return undefined;
    const { accountId } = session;
    const ids = await deps.sessions.end(tx, { accountId, sessionId, reason, origin });
    return { accountId, ids };
  });
  if (ended !== undefined) deps.sessions.announceEnd(ended.accountId, ended.ids, origin);
}

const INACTIVE = { active: false };

/** A client can introspect its own tokens and those for its product; others appear as inactive. */
export async function introspect(
  deps: CommandDeps,
  { client, token, origin }: TokenRequest,
): Promise<Record<string, unknown>> {
  const refresh = parseRefreshToken(deps, token);
  if (refresh !== undefined) {
    const session = await liveSession(deps, refresh.sessionId, origin.nowMs);
    if (session?.clientId !== client.id || session.generation !== refresh.generation) {
      return INACTIVE;
    }
    const { accountId: sub, id: sid } = session;
    return { active: true, client_id: client.id, sub, sid, token_type: "refresh_token" };
  }
  const claims = await accessClaims(deps, token);
  if (claims === undefined) return INACTIVE;
  const isForClient = claims.aud === client.product || claims["client_id"] === client.id;
  return isForClient && (await isActive(deps, claims, origin.nowMs))
    ? { ...claims, active: true, token_type: "Bearer" }
    : INACTIVE;
}

export type UserInfo = {
  sub: string;
  name?: string;
  email?: string;
  email_verified?: boolean;
};

/** Claims about the user of an access token of any product, limited by its scopes (OpenID Connect Core, 5.3). */
export async function userInfo(
  deps: CommandDeps,
  token: string,
  nowMs: number,
): Promise<UserInfo | "invalid" | "no scope"> {
  const claims = await accessClaims(deps, token);
  if (claims?.sub === undefined || !(await isActive(deps, claims, nowMs))) return "invalid";
  const scopes = new Set(stringOf(claims["scope"]).split(" "));
  if (!scopes.has("openid")) return "no scope";
  const account = await findAccount(deps.kit.database, claims.sub);
  if (account === undefined || account.closedAtMs !== undefined) return "invalid";
  const { email, emailVerified: email_verified } = account;
  return {
    sub: claims.sub,
    ...(scopes.has("profile") ? { name: account.name } : {}),
    ...(scopes.has("email") && email !== undefined ? { email, email_verified } : {}),
  };
}

const accessClaims = ({ keys }: CommandDeps, token: string): Promise<JWTPayload | undefined> =>
  keys.verify(token, { typ: "at+jwt" });

/** Whether the session or service account of a token is still valid. */
async function isActive(deps: CommandDeps, claims: JWTPayload, nowMs: number): Promise<boolean> {
  const sessionId = claims["sid"];
  if (typeof sessionId !== "string") {
    return isServiceAccountEnabled(deps.kit.database, claims.sub ?? "");
  }
  return (await liveSession(deps, sessionId, nowMs)) !== undefined;
}

const liveSession = (
  { kit, sessions }: CommandDeps,
  id: string,
  nowMs: number,
): Promise<Session | undefined> => sessions.read(kit.database, id, nowMs);

function parseRefreshToken(
  { tokens }: CommandDeps,
  token: string,
): { sessionId: string; generation: number } | undefined {
  const [sessionId, generation] = tokens.open(REFRESH, token)?.split(" ") ?? [];
  return sessionId === undefined ? undefined : { sessionId, generation: Number(generation) };
}

const stringOf = (claim: unknown): string => (typeof claim === "string" ? claim : "");
