import { z } from "zod";

import { bearerToken } from "#platform/http/bearer-auth.ts";
import { type Route, route } from "#platform/http/route.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { endSession, userInfo } from "../commands/oauth-introspection.ts";
import { originOf } from "../deps.ts";
import { SCOPES } from "../domain/oauth.ts";
import { readClient } from "../repositories/clients.ts";
import { messagePage } from "./oauth-sign-in-page.ts";
import { FORM, withOAuthErrors, oauthJson, parametersOf, readForm } from "./oauth-wire.ts";

const tag = "OAuth and OpenID Connect";
/** Half of the time between the publication and the first use of a key. */
const JWKS_S = 300;
/** How long an expired ID token is accepted as id_token_hint. */
const EXPIRED_HINT_MS = 400 * 86_400_000;
const PUBLIC = { "content-type": "application/json", "cache-control": `public, max-age=${JWKS_S}` };

const json = (body: unknown): Response =>
  new Response(JSON.stringify(body), {
    headers: {
      ...PUBLIC,
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    },
  });

const metadataOf = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  userinfo_endpoint: `${issuer}/oauth/userinfo`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  end_session_endpoint: `${issuer}/oauth/logout`,
  scopes_supported: SCOPES,
  response_types_supported: ["code"],
  response_modes_supported: ["query"],
  grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["ES256"],
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
  introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
  claims_supported: [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "amr",
    "sid",
    "name",
    "email",
    "email_verified",
  ],
  authorization_response_iss_parameter_supported: true,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
});

export const oidcRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/.well-known/openid-configuration",
    operationId: "openidConfiguration",
    tag,
    summary: "Get the provider metadata (OpenID Connect Discovery)",
    rule: { allow: "anyone", why: "clients read it before authentication" },
    responses: { 200: { description: "Metadata", body: z.looseObject({ issuer: z.string() }) } },
    handle: () => Promise.resolve(json(metadataOf(deps.kit.url))),
  }),
  route({
    method: "GET",
    path: "/.well-known/jwks.json",
    operationId: "jwks",
    tag,
    summary: "Get the public signing keys: next, active and retired (RFC 7517)",
    rule: { allow: "anyone", why: "public keys" },
    responses: {
      200: { description: "Keys", body: z.looseObject({ keys: z.array(z.unknown()) }) },
    },
    handle: async () => json(await deps.keys.jwks()),
  }),
  ...(["GET", "POST"] as const).map((method) => userInfoRoute(deps, method)),
  ...(["GET", "POST"] as const).map((method) => logoutRoute(deps, method)),
];

/** OpenID Connect Core (5.3.1) requires both methods. */
const userInfoRoute = (deps: CommandDeps, method: "GET" | "POST"): Route =>
  route({
    method,
    path: "/oauth/userinfo",
    operationId: method === "GET" ? "userInfo" : "userInfoByPost",
    tag,
    summary: "Get the claims of the subject of the access token",
    rule: { allow: "anyone", why: "the handler authenticates access tokens of every product" },
    ownCredentials: true,
    responses: {
      200: { description: "Claims", body: z.looseObject({ sub: z.string() }) },
      401: { description: "The token is invalid (RFC 6750)" },
      403: { description: "The token lacks the scope openid" },
    },
    async handle({ incoming, nowMs }) {
      const token = bearerToken(incoming.headers.authorization ?? "") ?? "";
      const info = await userInfo(deps, token, nowMs);
      if (info === "invalid") return unauthorized(401, "invalid_token");
      if (info === "no scope") return unauthorized(403, "insufficient_scope");
      return oauthJson(info);
    },
  });

const unauthorized = (status: number, error: string): Response =>
  new Response(null, { status, headers: { "www-authenticate": `Bearer error="${error}"` } });

const logoutRoute = (deps: CommandDeps, method: "GET" | "POST"): Route =>
  route({
    method,
    path: "/oauth/logout",
    operationId: method === "GET" ? "oauthLogout" : "oauthLogoutForm",
    tag,
    summary: "End the session of an ID token (OpenID Connect RP-Initiated Logout)",
    rule: { allow: "anyone", why: "the ID token identifies the session" },
    ...(method === "GET"
      ? { query: z.looseObject({ id_token_hint: z.string().max(4_000).optional() }) }
      : { consumes: [FORM] }),
    responses: {
      200: { description: "Page: signed out", media: "text/html" },
      303: { description: "Redirect to the client" },
      400: { description: "Error page", media: ["text/html", "application/json"] },
    },
    handle: (call) =>
      withOAuthErrors(call.incoming, async () => {
        const form =
          method === "POST"
            ? await readForm(call.incoming)
            : parametersOf(new URL(call.incoming.url ?? "/", "http://localhost").search);
        return signOut(deps, form, originOf(call));
      }),
  });

async function signOut(
  deps: CommandDeps,
  form: ReadonlyMap<string, string>,
  origin: ReturnType<typeof originOf>,
): Promise<Response> {
  const hint = form.get("id_token_hint") ?? "";
  const claims = await deps.keys.verify(hint, { typ: "JWT", lateMs: EXPIRED_HINT_MS });
  const clientId = form.get("client_id") ?? claims?.aud;
  if (claims === undefined || typeof claims.aud !== "string" || clientId !== claims.aud) {
    return messagePage(
      "You are not signed out",
      "The application did not send a valid id_token_hint.",
      400,
    );
  }
  const sessionId = String(claims["sid"]);
  const reason = "signed out at the client";
  await endSession(deps, { sessionId, clientId: claims.aud, reason, origin });
  const target = form.get("post_logout_redirect_uri");
  if (target === undefined)
    return messagePage("You are signed out", "You can close this page.", 200);
  const client = await readClient(deps.kit.database, claims.aud);
  if (client?.postLogoutRedirectUris.includes(target) !== true) {
    const message = "The application uses an unregistered address.";
    return messagePage("You are signed out", message, 400);
  }
  const url = new URL(target);
  const state = form.get("state");
  if (state !== undefined) url.searchParams.set("state", state);
  return new Response(null, { status: 303, headers: { location: url.href } });
}
