import { z } from "zod";

import { type Route, route } from "#platform/http/route.ts";
import { newId } from "#platform/ids.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { Assertion, challengeSignIn, checkPasskey } from "../commands/passkey-sign-in.ts";
import { requireAccount } from "../commands/sign-in.ts";
import { originOf } from "../deps.ts";
import { PublicKeyOptions } from "./passkeys.ts";
import { TokensBody, accountBody, sessionBody } from "./wire.ts";

const tag = "Passkeys";
const WHY = { allow: "anyone", why: "whoever signs in has no token yet" } as const;

/** Signing in with a passkey. */
export const passkeySignInRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "POST",
    path: "/v1/passkeys/challenges",
    operationId: "challengeSignIn",
    tag,
    summary: "Options for an authenticator to sign somebody in",
    description: "The challenge is good for five minutes, once.",
    rule: WHY,
    limit: { burst: 60, perMinute: 60 },
    idempotency: "optional",
    answers: { 201: { description: "The options", body: PublicKeyOptions } },
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
    summary: "Signs in with what the authenticator signed",
    rule: WHY,
    limit: { burst: 60, perMinute: 60 },
    body: z.strictObject({ credential: Assertion }),
    answers: { 201: { description: "Signed in", body: TokensBody } },
    async handle(call) {
      const origin = originOf(call);
      const assertion = call.body.credential;
      const accountId = await checkPasskey(deps, { assertion, origin });
      const sessionId = newId("ses");
      const method = "passkey" as const;
      const started = { accountId, sessionId, method, startedAtMs: call.nowMs };
      const access = await deps.sessions.accessToken(started);
      const answer = await call.write(async (tx) => {
        const begun = await deps.sessions.start(tx, { accountId, sessionId, method, origin });
        const body = {
          ...access,
          tokenType: "Bearer" as const,
          refreshToken: begun.refreshToken,
          deviceToken: begun.deviceToken,
          session: sessionBody(begun.session, sessionId),
          account: accountBody(await requireAccount(tx, accountId)),
        };
        return { status: 201, body };
      });
      deps.sessions.announceStart({ accountId, origin }, sessionId);
      return answer;
    },
  }),
];
