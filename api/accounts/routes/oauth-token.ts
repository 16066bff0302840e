import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";
import { sourceOf } from "#platform/source-of.ts";

import type { CallContext, CommandDeps } from "../commands/call-context.ts";
import { introspect, revoke } from "../commands/oauth-introspection.ts";
import {
  type TokenResponse,
  exchangeCode,
  refreshTokens,
  serviceTokens,
} from "../commands/oauth-tokens.ts";
import { type Origin, originOf } from "../deps.ts";
import { OAuthError } from "../domain/oauth.ts";
import {
  type ClientCredentials,
  FORM,
  withOAuthErrors,
  requireClient,
  clientCredentialsOf,
  requireParameter,
  oauthJson,
  readForm,
} from "./oauth-wire.ts";

const OAuthProblem = z
  .strictObject({ error: z.string(), error_description: z.string() })
  .meta({ id: "OAuthError" });

const Tokens = z
  .strictObject({
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int(),
    scope: z.string(),
    refresh_token: z.string().optional(),
    id_token: z.string().optional(),
  })
  .meta({ id: "OAuthTokens" });

const ERRORS = {
  400: { description: "Error response (RFC 6749, 5.2)", body: OAuthProblem },
  401: { description: "The client could not be authenticated", body: OAuthProblem },
};
const RULE = { allow: "anyone", why: "the request contains the client's credentials" } as const;
const tag = "OAuth and OpenID Connect";

export const oauthTokenRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/oauth/token",
    operationId: "oauthToken",
    tag,
    summary: "Issue tokens for a code, a refresh token or an API key (RFC 6749)",
    description:
      "grant_type authorization_code (with code, redirect_uri, code_verifier), refresh_token, or client_credentials with a service account's id as client_id and its API key as client_secret. A code can be used once, within 60 seconds. Reuse of a rotated refresh token ends the session.",
    rule: RULE,
    ownCredentials: true,
    consumes: [FORM],
    responses: { 200: { description: "Tokens", body: Tokens }, ...ERRORS },
    handle: (call) =>
      withOAuthErrors(call.incoming, async () => {
        const form = await readForm(call.incoming);
        const credentials = clientCredentialsOf(call.incoming, form);
        const request = { form, credentials, origin: originOf(call) };
        return oauthJson(await audited(deps, call, request));
      }),
  }),
  ...tokenStateRoutes(deps),
];

const tokenStateRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/oauth/revoke",
    operationId: "oauthRevoke",
    tag,
    summary: "Revoke a token: end its session (RFC 7009)",
    rule: RULE,
    ownCredentials: true,
    consumes: [FORM],
    responses: { 200: { description: "Revoked, or invalid before" }, ...ERRORS },
    handle: (call) =>
      withOAuthErrors(call.incoming, async () => {
        const form = await readForm(call.incoming);
        const client = await requireClient(deps, clientCredentialsOf(call.incoming, form));
        await revoke(deps, {
          client,
          token: requireParameter(form, "token"),
          origin: originOf(call),
        });
        return new Response(null, { status: 200, headers: { "cache-control": "no-store" } });
      }),
  }),
  route({
    method: "POST",
    path: "/oauth/introspect",
    operationId: "oauthIntrospect",
    tag,
    summary: "Introspect a token of the client's product (RFC 7662)",
    rule: RULE,
    ownCredentials: true,
    consumes: [FORM],
    responses: {
      200: {
        description: "The state and the claims of the token",
        body: z.looseObject({ active: z.boolean() }),
      },
      ...ERRORS,
    },
    handle: (call) =>
      withOAuthErrors(call.incoming, async () => {
        const form = await readForm(call.incoming);
        const client = await requireClient(deps, clientCredentialsOf(call.incoming, form));
        if (client.kind === "public") {
          throw new OAuthError("invalid_client", "public clients cannot introspect tokens");
        }
        const token = requireParameter(form, "token");
        return oauthJson(await introspect(deps, { client, token, origin: originOf(call) }));
      }),
  }),
];

type Grant = {
  form: ReadonlyMap<string, string>;
  credentials: ClientCredentials;
  origin: Origin;
};

const MINUTE_MS = 60_000;

/** Audits the grant; repeated refusals once a minute per client and source. */
async function audited(
  deps: CommandDeps,
  call: CallContext,
  request: Grant,
): Promise<TokenResponse> {
  const { id } = request.credentials;
  const target = /^(?:cli|svc)_[0-9a-f]{24}$/.test(id) ? id : "unknown client";
  const entry = { action: "oauth.token", target };
  const grantType = request.form.get("grant_type")?.slice(0, 100);
  const { database } = deps.kit;
  try {
    const response = await grant(deps, request);
    await deps.audit(database, call, { ...entry, detail: { grantType, scope: response.scope } });
    return response;
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const minute = Math.floor(call.nowMs / MINUTE_MS);
    await deps.audit(database, call, {
      ...entry,
      outcome: "failure",
      detail: { grantType, error: error.code, why: error.message },
      onceKey: `oauth ${target} ${error.code} ${sourceOf(call.caller.address)} ${minute}`,
    });
    throw error;
  }
}

async function grant(
  deps: CommandDeps,
  { form, credentials, origin }: Grant,
): Promise<TokenResponse> {
  switch (requireParameter(form, "grant_type")) {
    case "authorization_code":
      return exchangeCode(deps, {
        client: await requireClient(deps, credentials),
        code: requireParameter(form, "code"),
        redirectUri: requireParameter(form, "redirect_uri"),
        verifier: requireParameter(form, "code_verifier"),
        origin,
      });
    case "refresh_token": {
      const client = await requireClient(deps, credentials);
      return refreshTokens(deps, {
        client,
        refreshToken: requireParameter(form, "refresh_token"),
        origin,
      });
    }
    case "client_credentials": {
      const { id, secret: apiKey = "" } = credentials;
      return serviceTokens(deps, { id, apiKey, scope: form.get("scope"), origin });
    }
    default:
      throw new OAuthError(
        "unsupported_grant_type",
        "grant_type must be authorization_code, refresh_token or client_credentials",
      );
  }
}
