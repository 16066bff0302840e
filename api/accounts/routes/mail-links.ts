import { z } from "zod";

import { TooManyRequests } from "#platform/http/rate-limit.ts";
import { type Route, route } from "#platform/http/route.ts";
import { NewPassword, checkNewPassword } from "#platform/passwords/new-password.ts";

import { requireAccount } from "../commands/accounts.ts";
import {
  requestEmailVerification,
  resetPassword,
  verifyEmail,
} from "../commands/change-account.ts";
import { originFields } from "../commands/check-credentials.ts";
import { enqueueLinkMail, enqueueDummyMail, findLink, limitMails } from "../commands/mail-links.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { findAccountByEmail } from "../repositories/accounts.ts";
import { takeTokens } from "../repositories/throttle.ts";
import { ownAction, writeEndingSessions } from "./account-access.ts";
import { deviceCookie } from "./csrf.ts";
import { AccountBody, AccountParams, Email, Password, SealedToken, accountBody } from "./wire.ts";

const tag = "Mails";
const Accepted = z.strictObject({ status: z.literal("a mail will be sent") });
const accepted = { status: 202, body: { status: "a mail will be sent" } } as const;
const BY_TOKEN = { allow: "anyone", why: "the token of the mail is the credential" } as const;

const requestVerification = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/accounts/{accountId}/email-verifications",
    operationId: "askEmailVerification",
    tag,
    summary: "Mail a link that verifies the address of one's own account, or a new address",
    description:
      "With `email` (and `password`) the link is sent to the new address, which replaces the old one when the link is used.",
    rule: { allow: "signed-in" },
    params: AccountParams,
    body: z.strictObject({ email: Email.optional(), password: Password.optional() }),
    idempotency: "optional",
    responses: { 202: { description: "A mail will be sent", body: Accepted } },
    async handle(call) {
      const action = ownAction(call);
      const { email, password = "" } = call.body;
      if (email !== undefined) {
        const { sessionId } = call.caller;
        await deps.credentials.confirmPassword({ ...action, sessionId, password });
      }
      const account = await requireAccount(deps.kit.database, action.accountId);
      await limitMails(deps, email ?? account.email ?? "", action.origin);
      return call.write(async (tx) => {
        await requestEmailVerification(deps, tx, { ...action, email });
        return accepted;
      });
    },
  });

const verify = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/email-verifications",
    operationId: "verifyEmail",
    tag,
    summary: "Verify an address with the token of a mail",
    rule: BY_TOKEN,
    body: z.strictObject({ token: SealedToken }),
    idempotency: "optional",
    responses: { 200: { description: "Verified", body: AccountBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const request = { ...call.body, origin: originOf(call) };
        return { status: 200, body: accountBody(await verifyEmail(deps, tx, request)) };
      }),
  });

const requestReset = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/password-resets",
    operationId: "askPasswordReset",
    tag,
    summary: "Mail a link that sets a new password, if there is an account with this address",
    description: "The response does not reveal whether there is one.",
    rule: { allow: "anyone", why: "requires no token, as the password is forgotten" },
    body: z.strictObject({ email: Email }),
    idempotency: "optional",
    responses: {
      202: { description: "A mail will be sent, if there is an account", body: Accepted },
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
        return accepted;
      });
    },
  });

const reset = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/password-resets/confirm",
    operationId: "resetPassword",
    tag,
    summary: "Set a new password with the token of a mail, and end all sessions",
    description:
      "The response contains a `deviceToken`, also as a cookie: it exempts the device from the throttling of other devices.",
    rule: BY_TOKEN,
    body: z.strictObject({ token: SealedToken, newPassword: NewPassword }),
    idempotency: "optional",
    responses: {
      200: { description: "Changed", body: z.strictObject({ deviceToken: z.string() }) },
    },
    async handle(call) {
      const origin = originOf(call);
      const { token, newPassword } = call.body;
      // Hashing is expensive: only authentic tokens get there, throttled by link.
      const link = await findLink(deps, { purpose: "reset", token });
      const { accountId, email } = link;
      const { name } = await requireAccount(deps.kit.database, accountId);
      await checkNewPassword(newPassword, { email, name });
      const buckets = deps.throttle.confirming(accountId, link.id);
      const waitMs = await takeTokens(deps.kit.database, buckets, origin.nowMs);
      if (waitMs > 0) throw new TooManyRequests(waitMs);
      const passwordHash = await deps.passwords.hash(newPassword);
      return writeEndingSessions(deps, call, {
        accountId,
        origin,
        work: async (tx) => {
          const request = { token, passwordHash, origin };
          const { deviceToken, ended } = await resetPassword(deps, tx, request);
          const headers = { "set-cookie": deviceCookie(deps.kit.url, deviceToken) };
          return { ended, response: { status: 200, headers, body: { deviceToken } } as const };
        },
      });
    },
  });

export const mailLinkRoutes = (deps: AccountsDeps): Route[] => [
  requestVerification(deps),
  verify(deps),
  requestReset(deps),
  reset(deps),
];
