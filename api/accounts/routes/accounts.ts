import { z } from "zod";

import { mayActFor } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery, text } from "#platform/http/schema.ts";

import { closeAccount, renameAccount, setPassword } from "../commands/change-account.ts";
import { requireAccount, notFound } from "../commands/sign-in.ts";
import { checkNewPassword, prepareSignUp, signUp } from "../commands/sign-up.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { listAccounts } from "../repositories/accounts.ts";
import { READ, WRITE, actOf, isOwn } from "./account-access.ts";
import {
  AccountBody,
  AccountParams,
  ByTime,
  Email,
  NewPassword,
  Password,
  accountBody,
} from "./wire.ts";

const tag = "Accounts";
const Name = text({ max: 200 }).meta({ example: "Ada Lovelace" });

const createAccount = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/accounts",
    operationId: "signUp",
    tag,
    summary: "Signs up: makes an account and mails a link that confirms its address",
    description:
      "A taken address is answered with 409, so that a person who has forgotten an account learns of it; who asks for many of them is answered with 429. Sign-in and password reset never tell.",
    rule: { allow: "anyone", why: "whoever signs up has no account yet" },
    body: z.strictObject({ email: Email, password: NewPassword, name: Name }),
    idempotency: "optional",
    answers: { 201: { description: "The new account", body: AccountBody } },
    async handle(call) {
      const origin = originOf(call);
      const prepared = await prepareSignUp(deps, call.body, origin);
      return call.write(async (tx) => {
        const account = await signUp(deps, tx, { ...call.body, ...prepared, origin });
        const headers = { ...etagOf(account.version), location: `/v1/accounts/${account.id}` };
        return { status: 201, headers, body: accountBody(account) };
      });
    },
  });

const list = (): Route =>
  route({
    method: "GET",
    path: "/v1/accounts",
    operationId: "listAccounts",
    tag,
    summary: "Accounts, oldest first",
    rule: { allow: "permission", permission: READ },
    query: pageQuery({ email: Email.optional() }),
    reads: "replica",
    answers: { 200: { description: "A page of accounts", body: pageOf(AccountBody) } },
    async handle({ query, read }) {
      const after = decodeCursor(ByTime, query.cursor);
      const rows = await listAccounts(read, { email: query.email, after, limit: query.limit });
      const page = cutPage(rows, query.limit, {
        item: accountBody,
        cursor: (it) => [new Date(it.createdAtMs).toISOString(), it.id],
      });
      return { status: 200, body: page };
    },
  });

const readOne = (deps: AccountsDeps): Route =>
  route({
    method: "GET",
    path: "/v1/accounts/{accountId}",
    operationId: "readAccount",
    tag,
    summary: "One account: one's own, or any by permission",
    rule: { allow: "own-or", permission: READ },
    params: AccountParams,
    answers: { 200: { description: "The account", body: AccountBody } },
    async handle({ caller, params }) {
      if (!mayActFor(caller, params.accountId, READ)) throw notFound("account");
      const account = await requireAccount(deps.kit.database, params.accountId);
      return { status: 200, headers: etagOf(account.version), body: accountBody(account) };
    },
  });

const rename = (deps: AccountsDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/accounts/{accountId}",
    operationId: "changeAccount",
    tag,
    summary: "Changes the name of an account",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    body: z.strictObject({ name: Name }),
    ifMatch: "required",
    answers: { 200: { description: "The account as it is now", body: AccountBody } },
    handle: async (call) => {
      const act = actOf(call, WRITE);
      const { ifMatch, body } = call;
      return call.write(async (tx) => {
        const account = await renameAccount(deps, tx, { ...act, ...body, ifMatch });
        return { status: 200, headers: etagOf(account.version), body: accountBody(account) };
      });
    },
  });

const changePassword = (deps: AccountsDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/accounts/{accountId}/password",
    operationId: "changePassword",
    tag,
    summary: "Sets a new password of one's own, and ends every other session",
    description: "If-Match may be left out: the current password is asked for instead.",
    rule: { allow: "signed-in" },
    params: AccountParams,
    body: z.strictObject({ password: Password, newPassword: NewPassword }),
    ifMatch: "optional",
    answers: { 204: { description: "Changed" } },
    async handle(call) {
      const { params, body, caller } = call;
      if (!isOwn(caller, params.accountId)) throw notFound("account");
      const act = { ...params, actor: caller.id, origin: originOf(call) };
      const account = await requireAccount(deps.kit.database, params.accountId);
      checkNewPassword(body.newPassword, { name: account.name, email: account.email ?? "" });
      const { sessionId } = caller;
      await deps.credentials.confirmPassword({ ...act, sessionId, password: body.password });
      const passwordHash = await deps.passwords.hash(body.newPassword);
      let ended: string[] = [];
      const answer = await call.write(async (tx) => {
        const change = { ...act, passwordHash, keepSession: sessionId };
        ended = await setPassword(deps, tx, { ...change, action: "password.change" });
        return { status: 204 };
      });
      deps.sessions.announceEnd(params.accountId, ended, act.origin);
      return answer;
    },
  });

const close = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/accounts/{accountId}/close",
    operationId: "closeAccount",
    tag,
    summary: "Closes an account for good: its sessions end, its name and address are erased",
    description: "Of one's own account the password is asked for. The id stays, as others name it.",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    body: z.strictObject({ password: Password.optional() }),
    ifMatch: "required",
    answers: { 204: { description: "Closed" } },
    async handle(call) {
      const act = actOf(call, WRITE);
      const { caller, body, ifMatch } = call;
      if (isOwn(caller, act.accountId)) {
        const { password = "" } = body;
        await deps.credentials.confirmPassword({ ...act, sessionId: caller.sessionId, password });
      }
      let ended: string[] = [];
      const answer = await call.write(async (tx) => {
        ended = await closeAccount(deps, tx, { ...act, ifMatch });
        return { status: 204 };
      });
      deps.sessions.announceEnd(act.accountId, ended, act.origin);
      return answer;
    },
  });

/** Accounts: making, reading, changing and closing them. */
export const accountRoutes = (deps: AccountsDeps): Route[] => [
  createAccount(deps),
  list(),
  readOne(deps),
  rename(deps),
  changePassword(deps),
  close(deps),
];
