import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import { PrebuiltResponse, type Route, route } from "#platform/http/route.ts";
import { newId } from "#platform/ids.ts";

import { requireAccount, auditingUsedCodes } from "../commands/sign-in.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { Email, Otp, Password, SealedToken, TokensBody, accountBody, sessionBody } from "./wire.ts";

const tag = "Sign-in";

const SignInBody = z.strictObject({
  email: Email,
  password: Password,
  otp: Otp.optional().meta({ description: "Code of the authenticator app, or a recovery code." }),
  deviceToken: SealedToken.optional().meta({ description: "What an earlier sign-in here gave." }),
});

const signIn = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/sessions",
    operationId: "signIn",
    tag,
    summary: "Signs in with a password and, where the account has one, a second factor",
    description:
      "A wrong address and a wrong password answer the same. Where a code is needed the 401 names `body.otp` with the code `second_factor_required`. Send `deviceToken` again at the next sign-in: it keeps you out of the throttling of those who guess.",
    rule: { allow: "anyone", why: "whoever signs in has no token yet" },
    body: SignInBody,
    idempotency: "optional",
    answers: { 201: { description: "Signed in", body: TokensBody } },
    async handle(call) {
      const origin = originOf(call);
      const checked = await deps.credentials.check({ ...call.body, origin });
      const { account, method, ...proof } = checked;
      const accountId = account.id;
      const sessionId = newId("ses");
      const started = { accountId, sessionId, method, startedAtMs: origin.nowMs };
      const access = await deps.sessions.accessToken(started);
      let hasStarted = false;
      const answer = await auditingUsedCodes(deps, origin, () =>
        call.write(async (tx) => {
          const begun = await deps.sessions.start(tx, {
            accountId,
            method,
            origin,
            sessionId,
            ...proof,
          });
          hasStarted = true;
          const body: z.input<typeof TokensBody> = {
            ...access,
            tokenType: "Bearer",
            refreshToken: begun.refreshToken,
            deviceToken: begun.deviceToken,
            session: sessionBody(begun.session, sessionId),
            account: accountBody(await requireAccount(tx, accountId)),
          };
          return { status: 201, body };
        }),
      );
      if (hasStarted) deps.sessions.announceStart({ accountId, origin }, sessionId);
      return answer;
    },
  });

const REFUSALS = {
  unknown: "This refresh token is not known: sign in again.",
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
    summary: "Gives new tokens for a refresh token, which is used up",
    description:
      "The token that was used last may be sent again for ten seconds, for an answer that was lost: it gets the same successor. Any other use of an old token ends the session.",
    rule: { allow: "anyone", why: "the refresh token is the proof" },
    body: z.strictObject({ refreshToken: SealedToken }),
    answers: { 200: { description: "New tokens", body: TokensBody } },
    async handle(call) {
      const refreshed = await deps.sessions.refresh(call.body.refreshToken, {
        origin: originOf(call),
      });
      if (!refreshed.ok) throw new AppError("unauthenticated", REFUSALS[refreshed.reason]);
      const { session } = refreshed;
      const access = await deps.sessions.accessToken({
        accountId: session.accountId,
        sessionId: session.id,
        method: session.method,
        startedAtMs: session.createdAtMs,
      });
      const body: z.input<typeof TokensBody> = {
        ...access,
        tokenType: "Bearer",
        refreshToken: refreshed.refreshToken,
        deviceToken: null,
        session: sessionBody(session, session.id),
        account: accountBody(await requireAccount(deps.kit.database, session.accountId)),
      };
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
  /** The answer of a token is made once, for as long as it is remembered: its permissions are that object so long. */
  const answers = new WeakMap<Caller["permissions"], PrebuiltResponse>();
  async function make(caller: Caller, { headers }: IncomingMessage) {
    if (caller.kind === "root") {
      return { status: 200 as const, body: checkBody(caller, undefined) };
    }
    const known = await deps.authenticateToken(
      (headers.authorization ?? "").slice("Bearer ".length),
    );
    if (known === undefined) throw new AppError("unauthenticated", "This session has ended.");
    const body = CheckBody.parse(checkBody(known.known, known.expiresMs));
    const answer = new PrebuiltResponse(200, JSON.stringify(body));
    answers.set(known.known.permissions, answer);
    return answer;
  }
  return route({
    method: "GET",
    path: "/v1/session",
    operationId: "checkToken",
    tag,
    summary: "Says whose token this is, and what it may",
    rule: { allow: "signed-in" },
    answers: { 200: { description: "Whose it is", body: CheckBody } },
    handle({ caller, incoming }) {
      return answers.get(caller.permissions) ?? make(caller, incoming);
    },
  });
};

function checkBody(
  caller: Omit<Caller, "address">,
  expiresMs: number | undefined,
): z.input<typeof CheckBody> {
  return {
    kind: caller.kind,
    id: caller.id,
    sessionId: caller.sessionId === "" ? null : caller.sessionId,
    permissions: [...caller.permissions],
    expiresAt: expiresMs === undefined ? null : new Date(expiresMs).toISOString(),
  };
}

const signOut = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/session",
    operationId: "signOut",
    tag,
    summary: "Signs out: ends the session that the token belongs to",
    rule: { allow: "signed-in" },
    answers: { 204: { description: "Signed out" } },
    async handle(call) {
      const { sessionId, id: accountId } = call.caller;
      if (sessionId === "" || call.caller.kind !== "account") {
        throw new AppError("conflict", "This token belongs to no session: there is none to end.");
      }
      const origin = originOf(call);
      let ended: string[] = [];
      const answer = await call.write(async (tx) => {
        ended = await deps.sessions.end(tx, { accountId, sessionId, reason: "signed out", origin });
        return { status: 204 };
      });
      deps.sessions.announceEnd(accountId, ended, origin);
      return answer;
    },
  });

/** Signing in and out, and what a token is worth. */
export const signInRoutes = (deps: AccountsDeps): Route[] => [
  signIn(deps),
  refresh(deps),
  check(deps),
  signOut(deps),
];
