import type { JWTPayload } from "jose";

import type { Origin } from "../deps.ts";
import type { OAuthClient } from "../domain/clients.ts";
import type { Session } from "../domain/session.ts";
import { findAccount } from "../repositories/accounts.ts";
import { serviceAccountWorks } from "../repositories/service-accounts.ts";
import type { CommandDeps } from "./call-context.ts";
import { REFRESH } from "./sessions.ts";

type Asked = { client: OAuthClient; token: string; origin: Origin };

/** Ends the session that a token of this client belongs to; a token that means nothing is no error (RFC 7009, 2.2). */
export async function revoke(deps: CommandDeps, { client, token, origin }: Asked): Promise<void> {
  const claims = await accessClaims(deps, token);
  const sessionId = refreshed(deps, token)?.sessionId ?? textOf(claims?.["sid"]);
  await endSession(deps, { sessionId, clientId: client.id, reason: "token revoked", origin });
}

type Ending = { sessionId: string; clientId: string; reason: string; origin: Origin };

/** Ends a live session of a client. */
export async function endSession(
  deps: CommandDeps,
  { sessionId, clientId, reason, origin }: Ending,
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

const NOT_GOOD = { active: false };

/** A client sees the tokens that it got itself, and those for its product; of others not even that they are good. */
export async function introspect(
  deps: CommandDeps,
  { client, token, origin }: Asked,
): Promise<Record<string, unknown>> {
  const refresh = refreshed(deps, token);
  if (refresh !== undefined) {
    const session = await live(deps, refresh.sessionId, origin.nowMs);
    if (session?.clientId !== client.id || session.generation !== refresh.generation) {
      return NOT_GOOD;
    }
    const { accountId: sub, id: sid } = session;
    return { active: true, client_id: client.id, sub, sid, token_type: "refresh_token" };
  }
  const claims = await accessClaims(deps, token);
  if (claims === undefined) return NOT_GOOD;
  const isForClient = claims.aud === client.product || claims["client_id"] === client.id;
  return isForClient && (await isAlive(deps, claims, origin.nowMs))
    ? { ...claims, active: true, token_type: "Bearer" }
    : NOT_GOOD;
}

export type UserInfo = {
  sub: string;
  name?: string;
  email?: string;
  email_verified?: boolean;
};

/** Who stands behind an access token of any product, as far as its scopes go (OpenID Connect Core, 5.3). */
export async function userInfo(
  deps: CommandDeps,
  token: string,
  nowMs: number,
): Promise<UserInfo | "invalid" | "no scope"> {
  const claims = await accessClaims(deps, token);
  if (claims?.sub === undefined || !(await isAlive(deps, claims, nowMs))) return "invalid";
  const scopes = new Set(textOf(claims["scope"]).split(" "));
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

/** The session or service account behind it lives. */
async function isAlive(deps: CommandDeps, claims: JWTPayload, nowMs: number): Promise<boolean> {
  const sessionId = claims["sid"];
  if (typeof sessionId !== "string") {
    return serviceAccountWorks(deps.kit.database, claims.sub ?? "");
  }
  return (await live(deps, sessionId, nowMs)) !== undefined;
}

const live = (
  { kit, sessions }: CommandDeps,
  id: string,
  nowMs: number,
): Promise<Session | undefined> => sessions.read(kit.database, id, nowMs);

function refreshed(
  { tokens }: CommandDeps,
  token: string,
): { sessionId: string; generation: number } | undefined {
  const [sessionId, generation] = tokens.open(REFRESH, token)?.split(" ") ?? [];
  return sessionId === undefined ? undefined : { sessionId, generation: Number(generation) };
}

const textOf = (claim: unknown): string => (typeof claim === "string" ? claim : "");
