import { randomUUID } from "node:crypto";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Origin } from "../deps.ts";
import { accessTokenClaims } from "../domain/access-token.ts";
import { earliest, intersection } from "../domain/grants.ts";
import { ID_TOKEN_S, OAuthError, verifiesPkce } from "../domain/oauth.ts";
import { QUARTERDECK } from "../domain/products.ts";
import { AMR } from "../domain/sign-in-method.ts";
import { authenticateApiKey } from "../repositories/api-keys.ts";
import type { OAuthClient } from "../repositories/clients.ts";
import {
  type OAuthSignIn,
  lockSignIn,
  signInOfSession,
  markSignInUsed,
} from "../repositories/oauth-sign-ins.ts";
import { heldPermissions } from "../repositories/permissions.ts";
import type { Session } from "../repositories/sessions.ts";
import type { CommandDeps } from "./call-context.ts";
import { refreshTokenOf } from "./sessions.ts";

/** Token response (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3). */
export type TokenResponse = {
  access_token: string;
  token_type: "Bearer";
  expires_in: number;
  scope: string;
  refresh_token?: string;
  id_token?: string;
};

type Exchange = {
  client: OAuthClient;
  code: string;
  redirectUri: string;
  verifier: string;
  origin: Origin;
};

/** Redeems a code. A code that is used twice was stolen, so its session ends. @throws OAuthError invalid_grant */
export async function exchangeCode(deps: CommandDeps, exchange: Exchange): Promise<TokenResponse> {
  const { client, origin } = exchange;
  const redeemed = await deps.kit.database.transaction((tx) => redeemCode(deps, tx, exchange));
  if ("refused" in redeemed) {
    if (redeemed.ended !== undefined) {
      deps.sessions.announceEnd(redeemed.ended.accountId, redeemed.ended.ids, origin);
    }
    throw new OAuthError("invalid_grant", redeemed.refused);
  }
  const refreshToken = refreshTokenOf(deps.tokens, redeemed.session.id, 1);
  return tokensOf(deps, { ...redeemed, client, refreshToken, nonce: redeemed.signIn.nonce });
}

type Redemption =
  | { session: Session; signIn: OAuthSignIn }
  | { refused: string; ended?: { accountId: string; ids: string[] } };

async function redeemCode(
  deps: CommandDeps,
  tx: Queryable,
  { client, code, redirectUri, verifier, origin }: Exchange,
): Promise<Redemption> {
  const signIn = await lockSignIn(tx, code);
  if (signIn === undefined || signIn.clientId !== client.id) {
    return { refused: "the code was not issued to this client" };
  }
  const session = await deps.sessions.read(tx, signIn.sessionId, origin.nowMs);
  if (signIn.usedAtMs !== null) {
    const refused = "the code was used before; its session has ended";
    if (session === undefined) return { refused };
    const { id: sessionId, accountId } = session;
    const reason = "authorization code used twice";
    const which = { accountId, sessionId, reason, origin, actor: client.id };
    return { refused, ended: { accountId, ids: await deps.sessions.end(tx, which) } };
  }
  if (origin.nowMs >= signIn.expiresAtMs) return { refused: "the code has expired" };
  if (signIn.redirectUri !== redirectUri) {
    return { refused: "redirect_uri differs from that of the authorization request" };
  }
  if (!verifiesPkce(verifier, signIn.codeChallenge)) {
    return { refused: "code_verifier does not match code_challenge" };
  }
  if (session === undefined) return { refused: "the session has ended" };
  await markSignInUsed(tx, signIn.sessionId, origin.nowMs);
  return { session, signIn };
}

/** Rotates a refresh token. @throws OAuthError invalid_grant */
export async function refreshTokens(
  deps: CommandDeps,
  request: { client: OAuthClient; refreshToken: string; origin: Origin },
): Promise<TokenResponse> {
  const { client, origin } = request;
  const refreshed = await deps.sessions.refresh(request.refreshToken, {
    clientId: client.id,
    origin,
  });
  if (!refreshed.ok)
    throw new OAuthError("invalid_grant", `the refresh token: ${refreshed.reason}`);
  const signIn = await signInOfSession(deps.kit.database, refreshed.session.id);
  if (signIn === undefined) throw new OAuthError("invalid_grant", "the session has ended");
  return tokensOf(deps, { ...refreshed, signIn, client, nonce: undefined });
}

type Grant = {
  session: Session;
  signIn: OAuthSignIn;
  client: OAuthClient;
  refreshToken: string;
  nonce: string | undefined;
};

async function tokensOf(deps: CommandDeps, grant: Grant): Promise<TokenResponse> {
  const { session, signIn, client } = grant;
  const { kit, keys } = deps;
  const nowMs = kit.clock.nowMs();
  const held = await heldPermissions(kit.database, session.accountId, {
    product: client.product,
    nowMs,
  });
  const access = accessTokenClaims({
    issuer: kit.url,
    audience: client.product,
    subject: session.accountId,
    clientId: client.id,
    sessionId: session.id,
    permissions: [...signIn.scope.split(" "), ...held.map((it) => it.permission)],
    untilMs: earliest(held.map((it) => it.untilMs)),
    authTimeMs: session.createdAtMs,
    methods: AMR[session.method],
    id: randomUUID(),
    nowMs,
  });
  const issuedAt = Math.floor(nowMs / 1_000);
  const identity = {
    iss: kit.url,
    sub: session.accountId,
    aud: client.id,
    sid: session.id,
    auth_time: Math.floor(session.createdAtMs / 1_000),
    amr: AMR[session.method],
    ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
    iat: issuedAt,
    exp: issuedAt + ID_TOKEN_S,
  };
  return {
    access_token: await keys.sign(access, { typ: "at+jwt" }),
    token_type: "Bearer",
    expires_in: access.exp - access.iat,
    scope: access.scope,
    refresh_token: grant.refreshToken,
    id_token: await keys.sign(identity, { typ: "JWT" }),
  };
}

/** Issues an access token for an API key, with all its scopes or the requested ones. @throws OAuthError */
export async function serviceTokens(
  deps: CommandDeps,
  request: { id: string; apiKey: string; scope: string | undefined; origin: Origin },
): Promise<TokenResponse> {
  const { kit, keys } = deps;
  const { nowMs } = request.origin;
  const key = await authenticateApiKey(kit.database, request.apiKey, nowMs);
  if (key === undefined || key.serviceAccountId !== request.id) {
    throw new OAuthError("invalid_client", "the service account or its key is invalid");
  }
  const granted = await heldPermissions(kit.database, key.serviceAccountId, {
    product: QUARTERDECK,
    nowMs,
  });
  const held = intersection(
    granted.map((it) => it.permission),
    key.scopes,
  );
  const requested = request.scope?.split(" ").filter((it) => it !== "") ?? [];
  const permissions = requested.length === 0 ? held : intersection(held, requested);
  if (requested.some((it) => !permissions.includes(it))) {
    throw new OAuthError("invalid_scope", "the key does not have all of these scopes");
  }
  const claims = accessTokenClaims({
    issuer: kit.url,
    audience: QUARTERDECK,
    subject: key.serviceAccountId,
    clientId: key.serviceAccountId,
    permissions,
    untilMs: earliest([key.expiresAtMs, ...granted.map((it) => it.untilMs)]),
    id: randomUUID(),
    nowMs,
  });
  return {
    access_token: await keys.sign(claims, { typ: "at+jwt" }),
    token_type: "Bearer",
    expires_in: claims.exp - claims.iat,
    scope: permissions.join(" "),
  };
}
