import { z } from "zod";

import { TooManyRequests } from "#platform/http/rate-limit.ts";
import { type Route, route } from "#platform/http/route.ts";

import {
  requestEmailVerification,
  resetPassword,
  verifyEmail,
} from "../commands/change-account.ts";
import { originFields } from "../commands/check-credentials.ts";
import { enqueueLinkMail, enqueueDummyMail, findLink, limitMails } from "../commands/mail-links.ts";
import { requireAccount } from "../commands/sign-in.ts";
import { checkNewPassword } from "../commands/sign-up.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { findAccountByEmail } from "../repositories/accounts.ts";
import { takeTokens } from "../repositories/throttle.ts";
import { ownActOf } from "./account-access.ts";
import { deviceCookie } from "./csrf.ts";
import {
  AccountBody,
  AccountParams,
  Email,
  NewPassword,
  Password,
  SealedToken,
  accountBody,
} from "./wire.ts";

const tag = "Mails";
const Promised = z.strictObject({ status: z.literal("a mail will be sent") });
const promised = { status: 202, body: { status: "a mail will be sent" } } as const;
const ByToken = { allow: "anyone", why: "the token of the mail is the proof" } as const;

const askToVerify = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/accounts/{accountId}/email-verifications",
    operationId: "askEmailVerification",
    tag,
    summary: "Mails a link that confirms the address of one's own account, or a new one",
    description:
      "With `email` the link goes to that address, which takes the place of the old one when it is used; the password is asked for then.",
    rule: { allow: "signed-in" },
    params: AccountParams,
    body: z.strictObject({ email: Email.optional(), password: Password.optional() }),
    idempotency: "optional",
    answers: { 202: { description: "A mail will be sent", body: Promised } },
    async handle(call) {
      const act = ownActOf(call);
      const { email, password = "" } = call.body;
      if (email !== undefined) {
        const { sessionId } = call.caller;
        await deps.credentials.confirmPassword({ ...act, sessionId, password });
      }
      const account = await requireAccount(deps.kit.database, act.accountId);
      await limitMails(deps, email ?? account.email ?? "", act.origin);
      return call.write(async (tx) => {
        await requestEmailVerification(deps, tx, { ...act, email });
        return promised;
      });
    },
  });

const verify = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/email-verifications",
    operationId: "verifyEmail",
    tag,
    summary: "Confirms an address with the token of a mail",
    rule: ByToken,
    body: z.strictObject({ token: SealedToken }),
    idempotency: "optional",
    answers: { 200: { description: "The account as it is now", body: AccountBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const of = { ...call.body, origin: originOf(call) };
        return { status: 200, body: accountBody(await verifyEmail(deps, tx, of)) };
      }),
  });

const askToReset = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/password-resets",
    operationId: "askPasswordReset",
    tag,
    summary: "Mails a link that sets a new password, if there is an account with this address",
    description: "Answers the same whether there is one or not.",
    rule: { allow: "anyone", why: "whoever has forgotten the password cannot sign in" },
    body: z.strictObject({ email: Email }),
    idempotency: "optional",
    answers: {
      202: { description: "A mail will be sent, if there is an account", body: Promised },
    },
    async handle(call) {
      const origin = originOf(call);
      const { email } = call.body;
      await limitMails(deps, email, origin);
      return call.write(async (tx) => {
        const account = await findAccountByEmail(tx, email);
        if (account === undefined) await enqueueDummyMail(deps, tx);
        else await enqueueLinkMail(deps, tx, { account, email, purpose: "reset", origin });
        await deps.audit(tx, {
          atMs: origin.nowMs,
          actor: "anonymous",
          action: "password.reset.ask",
          outcome: account === undefined ? "failure" : "success",
          subject: account?.id,
          ...originFields(origin),
        });
        return promised;
      });
    },
  });

const reset = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/password-resets/confirm",
    operationId: "resetPassword",
    tag,
    summary: "Sets a new password with the token of a mail, and ends every session",
    description:
      "Gives a `deviceToken`, and to a browser as a cookie: with it, sign-in works here even while others guess the password.",
    rule: ByToken,
    body: z.strictObject({ token: SealedToken, newPassword: NewPassword }),
    idempotency: "optional",
    answers: {
      200: { description: "Set", body: z.strictObject({ deviceToken: z.string() }) },
    },
    async handle(call) {
      const origin = originOf(call);
      const { token, newPassword } = call.body;
      // Hashing is dear: it is done for our links alone, each so often. What others try keeps nobody from their own.
      const link = await findLink(deps, { purpose: "reset", token });
      const { name } = await requireAccount(deps.kit.database, link.accountId);
      checkNewPassword(newPassword, { email: link.email, name });
      const buckets = deps.throttle.confirming(link.accountId, link.id);
      const waitMs = await takeTokens(deps.kit.database, buckets, origin.nowMs);
      if (waitMs > 0) throw new TooManyRequests(waitMs);
      const passwordHash = await deps.passwords.hash(newPassword);
      let done: Awaited<ReturnType<typeof resetPassword>> | undefined;
      const answer = await call.write(async (tx) => {
        done = await resetPassword(deps, tx, { token, passwordHash, origin });
        const { deviceToken } = done;
        const headers = { "set-cookie": deviceCookie(deps.kit.url, deviceToken) };
        return { status: 200, headers, body: { deviceToken } };
      });
      if (done !== undefined) deps.sessions.announceEnd(done.accountId, done.ended, origin);
      return answer;
    },
  });

/** What happens by links in mails. */
export const mailLinkRoutes = (deps: AccountsDeps): Route[] => [
  askToVerify(deps),
  verify(deps),
  askToReset(deps),
  reset(deps),
];
