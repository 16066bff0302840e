import { z } from "zod";

import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { NewPassword, checkNewPassword } from "#platform/passwords/new-password.ts";

import { requireAccount } from "../commands/accounts.ts";
import { closeAccount, renameAccount, setPassword } from "../commands/change-account.ts";
import { prepareSignUp, signUp } from "../commands/sign-up.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { type Account, listAccounts } from "../repositories/accounts.ts";
import { READ, WRITE, actionOn, isOwn, ownAction, writeEndingSessions } from "./account-access.ts";
import { AccountBody, AccountParams, Email, Password, accountBody } from "./wire.ts";

const tag = "Accounts";
const path = "/v1/accounts/{accountId}";
const Name = text({ max: 200 }).meta({ example: "Ada Lovelace" });

const responseOf = (account: Account) =>
  ({ status: 200, headers: etagOf(account.version), body: accountBody(account) }) as const;

const createRoute = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: "/v1/accounts",
    operationId: "signUp",
    tag,
    summary: "Sign up: create an account and mail a link that verifies its address",
    description:
      "A taken address is answered with 409, so that users learn of a forgotten account; many such requests are answered with 429. Sign-in and password reset do not reveal accounts.",
    rule: { allow: "anyone", why: "sign-up requires no account" },
    body: z.strictObject({ email: Email, password: NewPassword, name: Name }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: AccountBody } },
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

const listRoute = route({
  method: "GET",
  path: "/v1/accounts",
  operationId: "listAccounts",
  tag,
  summary: "List accounts, oldest first",
  rule: { allow: "permission", permission: READ },
  query: pageQuery({ email: Email.optional() }),
  reads: "replica",
  responses: { 200: { description: "A page of accounts", body: pageOf(AccountBody) } },
  async handle({ query, read }) {
    const rows = await listAccounts(read, { ...pageStart(query, "oldest"), email: query.email });
    return pageResponse(rows, query, { item: accountBody, cursor: createdCursor });
  },
});

const readRoute = (deps: AccountsDeps): Route =>
  route({
    method: "GET",
    path,
    operationId: "readAccount",
    tag,
    summary: "Get an account",
    description: "Without the permission: only the caller's own.",
    rule: { allow: "own-or", permission: READ },
    params: AccountParams,
    responses: { 200: { description: "The account", body: AccountBody } },
    handle: async (call) =>
      responseOf(await requireAccount(deps.kit.database, actionOn(call, READ).accountId)),
  });

const changeRoute = (deps: AccountsDeps): Route =>
  route({
    method: "PATCH",
    path,
    operationId: "changeAccount",
    tag,
    summary: "Change the name of an account",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    body: z.strictObject({ name: Name }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: AccountBody } },
    handle(call) {
      const { ifMatch, body } = call;
      const request = { ...actionOn(call, WRITE), ...body, ifMatch };
      return call.write(async (tx) => responseOf(await renameAccount(deps, tx, request)));
    },
  });

const passwordRoute = (deps: AccountsDeps): Route =>
  route({
    method: "PUT",
    path: `${path}/password`,
    operationId: "changePassword",
    tag,
    summary: "Change one's own password and end all other sessions",
    description: "If-Match is optional, as the current password is required.",
    rule: { allow: "signed-in" },
    params: AccountParams,
    body: z.strictObject({ password: Password, newPassword: NewPassword }),
    ifMatch: "optional",
    responses: { 204: { description: "Changed" } },
    async handle(call) {
      const action = ownAction(call);
      const { password, newPassword } = call.body;
      const { sessionId } = call.caller;
      const account = await requireAccount(deps.kit.database, action.accountId);
      await checkNewPassword(newPassword, { name: account.name, email: account.email ?? "" });
      await deps.credentials.confirmPassword({ ...action, sessionId, password });
      const passwordHash = await deps.passwords.hash(newPassword);
      const change = { passwordHash, keepSession: sessionId, action: "password.change" };
      return writeEndingSessions(deps, call, {
        ...action,
        work: async (tx) => ({
          ended: await setPassword(deps, tx, { ...action, ...change }),
          response: { status: 204 } as const,
        }),
      });
    },
  });

const closeRoute = (deps: AccountsDeps): Route =>
  route({
    method: "POST",
    path: `${path}/close`,
    operationId: "closeAccount",
    tag,
    summary: "Close an account irrevocably: end its sessions, erase its name and address",
    description:
      "One's own account requires the password. The id is kept, as it may be referenced.",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    body: z.strictObject({ password: Password.optional() }),
    ifMatch: "required",
    responses: { 204: { description: "Closed" } },
    async handle(call) {
      const action = actionOn(call, WRITE);
      const { caller, body, ifMatch } = call;
      if (isOwn(caller, action.accountId)) {
        const { password = "" } = body;
        await deps.credentials.confirmPassword({
          ...action,
          sessionId: caller.sessionId,
          password,
        });
      }
      return writeEndingSessions(deps, call, {
        ...action,
        work: async (tx) => ({
          ended: await closeAccount(deps, tx, { ...action, ifMatch }),
          response: { status: 204 } as const,
        }),
      });
    },
  });

export const accountRoutes = (deps: AccountsDeps): Route[] => [
  createRoute(deps),
  listRoute,
  readRoute(deps),
  changeRoute(deps),
  passwordRoute(deps),
  closeRoute(deps),
];
