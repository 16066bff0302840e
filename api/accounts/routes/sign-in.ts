import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import { PrebuiltResponse, type Route, route } from "#platform/http/route.ts";
import { newId } from "#platform/ids.ts";

import { requireAccount } from "../commands/accounts.ts";
import { auditingUsedCodes } from "../commands/sign-in.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { writeEndingSessions } from "./account-access.ts";
import { Email, Otp, Password, SealedToken, TokensBody, tokensBody } from "./wire.ts";

const tag = "Sign-in";

const SignInBody = z.strictObject({
  email: Email,
  password: Password,
  otp: Otp.optional().meta({
    description: "The code of the authenticator app, or a recovery code.",
  }),
  deviceToken: SealedToken.optional().meta({
    description: "From an earlier sign-in on this device.",
  }),
});

const signIn = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/sessions",
    operationId: "signIn",
    tag,
    summary: "Sign in with a password and, if the account has one, a second factor",
    description:
      "An unknown address and a wrong password get the same response. If a second factor is required, the 401 contains the error `second_factor_required` for `body.otp`. Send `deviceToken` at the next sign-in: it exempts the device from the throttling of other devices.",
    rule: { allow: "anyone", why: "sign-in requires no token" },
    body: SignInBody,
    idempotency: "optional",
    responses: { 201: { description: "Signed in", body: TokensBody } },
    async handle(call) {
      const origin = originOf(call);
      const checked = await deps.credentials.check({ ...call.body, origin });
      const { account, method, ...proof } = checked;
      const accountId = account.id;
      const sessionId = newId("ses");
      const started = { accountId, sessionId, method, startedAtMs: origin.nowMs };
      const access = await deps.sessions.accessToken(started);
      let hasStarted = false;
      const response = await auditingUsedCodes(deps, origin, () =>
        call.write(async (tx) => {
          const start = { accountId, method, origin, sessionId, ...proof };
          const { session, refreshToken, deviceToken } = await deps.sessions.start(tx, start);
          hasStarted = true;
          const more = { account: await requireAccount(tx, accountId), deviceToken };
          return { status: 201, body: tokensBody({ ...access, refreshToken }, session, more) };
        }),
      );
      if (hasStarted) deps.sessions.announceStart({ accountId, origin }, sessionId);
      return response;
    },
  });

const REFUSALS = {
  unknown: "This refresh token is invalid: sign in again.",
  expired: "This session has expired: sign in again.",
  ended: "This session was ended: sign in again.",
  reused: "This refresh token was used before, so its session was ended: sign in again.",
  "other client": "This refresh token belongs to an OAuth client: refresh it at /oauth/token.",
};

const refresh = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/sessions/refresh",
    operationId: "refreshSession",
    tag,
    summary: "Exchange a refresh token for new tokens",
    description:
      "Refresh tokens rotate. The last token may be sent again for ten seconds, in case the response was lost, and gets the same successor. Any other reuse ends the session.",
    rule: { allow: "anyone", why: "the refresh token is the credential" },
    body: z.strictObject({ refreshToken: SealedToken }),
    responses: { 200: { description: "New tokens", body: TokensBody } },
    async handle(call) {
      const refreshed = await deps.sessions.refresh(call.body.refreshToken, {
        origin: originOf(call),
      });
      if (!refreshed.ok) throw new AppError("unauthenticated", REFUSALS[refreshed.reason]);
      const { session, refreshToken } = refreshed;
      const { id: sessionId, accountId, method, createdAtMs: startedAtMs } = session;
      const of = { accountId, sessionId, method, startedAtMs };
      const access = await deps.sessions.accessToken(of);
      const account = await requireAccount(deps.kit.database, accountId);
      const body = tokensBody({ ...access, refreshToken }, session, { account, deviceToken: null });
      return { status: 200, body };
    },
  });

const CheckBody = z
  .strictObject({
    kind: z.enum(["anonymous", "account", "service", "root"]),
    id: z.string(),
    sessionId: z.string().nullable(),
    permissions: z.array(z.string()),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "TokenCheck" });

const check = (deps: AccountsDeps): Route => {
  /** Responses by the permission set of their token, which is kept as long as the token is cached. */
  const responses = new WeakMap<Caller["permissions"], PrebuiltResponse>();
  async function build(caller: Caller, { headers }: IncomingMessage) {
    if (caller.kind === "root") {
      return { status: 200 as const, body: checkBody(caller, undefined) };
    }
    const token = (headers.authorization ?? "").slice("Bearer ".length);
    const authenticated = await deps.authenticateToken(token);
    if (authenticated === undefined) {
      throw new AppError("unauthenticated", "This session has ended.");
    }
    const { caller: subject, expiresAtMs } = authenticated;
    const body = CheckBody.parse(checkBody(subject, expiresAtMs));
    const response = new PrebuiltResponse(200, JSON.stringify(body));
    responses.set(subject.permissions, response);
    return response;
  }
  return route({
    method: "GET",
    path: "/v1/session",
    operationId: "checkToken",
    tag,
    summary: "Get the subject and the permissions of the token",
    rule: { allow: "signed-in" },
    responses: { 200: { description: "The subject of the token", body: CheckBody } },
    handle({ caller, incoming }) {
      return responses.get(caller.permissions) ?? build(caller, incoming);
    },
  });
};

const checkBody = (
  { kind, id, sessionId, permissions }: Omit<Caller, "address">,
  expiresAtMs: number | undefined,
): z.input<typeof CheckBody> => ({
  kind,
  id,
  sessionId: sessionId === "" ? null : sessionId,
  permissions: [...permissions],
  expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
});

const signOut = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/session",
    operationId: "signOut",
    tag,
    summary: "Sign out: end the session of the token",
    rule: { allow: "signed-in" },
    responses: { 204: { description: "Signed out" } },
    async handle(call) {
      const { sessionId, id: accountId, kind } = call.caller;
      if (sessionId === "" || kind !== "account") {
        throw new AppError("conflict", "This token does not belong to a session.");
      }
      const which = { accountId, sessionId, origin: originOf(call) };
      return writeEndingSessions(deps, call, {
        ...which,
        work: async (tx) => ({
          ended: await deps.sessions.end(tx, { ...which, reason: "signed out" }),
          response: { status: 204 } as const,
        }),
      });
    },
  });

export const signInRoutes = (deps: AccountsDeps): Route[] => [
  signIn(deps),
  refresh(deps),
  check(deps),
  signOut(deps),
];
