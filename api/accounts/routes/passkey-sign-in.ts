import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";
import { newId } from "#platform/ids.ts";

import { requireAccount } from "../commands/accounts.ts";
import type { CommandDeps } from "../commands/call-context.ts";
import { Assertion, challengeSignIn, checkPasskey } from "../commands/passkey-sign-in.ts";
import { originOf } from "../deps.ts";
import { PublicKeyOptions } from "./passkeys.ts";
import { TokensBody, tokensBody } from "./wire.ts";

const tag = "Passkeys";
const rule = { allow: "anyone", why: "used to sign in" } as const;
const limit = { burst: 60, perMinute: 60 };

export const passkeySignInRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/v1/passkeys/challenges",
    operationId: "challengeSignIn",
    tag,
    summary: "Get the options to sign in with a passkey",
    description: "The challenge is valid once, for five minutes.",
    rule,
    limit,
    idempotency: "optional",
    responses: { 201: { description: "The options", body: PublicKeyOptions } },
    handle: (call) =>
      call.write(async (tx) => ({
        status: 201,
        body: { publicKey: { ...(await challengeSignIn(tx, deps, call.nowMs)) } },
      })),
  }),
  route({
    method: "POST",
    path: "/v1/passkeys/sessions",
    operationId: "signInWithPasskey",
    tag,
    summary: "Sign in with a passkey",
    rule,
    limit,
    body: z.strictObject({ credential: Assertion }),
    responses: { 201: { description: "Signed in", body: TokensBody } },
    async handle(call) {
      const origin = originOf(call);
      const assertion = call.body.credential;
      const accountId = await checkPasskey(deps, { assertion, origin });
      const start = { accountId, sessionId: newId("ses"), method: "passkey" } as const;
      const access = await deps.sessions.accessToken({ ...start, startedAtMs: call.nowMs });
      const response = await call.write(async (tx) => {
        const started = await deps.sessions.start(tx, { ...start, origin });
        const { session, refreshToken, deviceToken } = started;
        const account = await requireAccount(tx, accountId);
        const issued = { ...access, refreshToken };
        return { status: 201, body: tokensBody(issued, session, { account, deviceToken }) };
      });
      deps.sessions.announceStart({ accountId, origin }, start.sessionId);
      return response;
    },
  }),
];
