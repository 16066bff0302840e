import { z } from "zod";

import { mayActFor } from "#platform/http/caller.ts";
import { createdCursor, pageResponse, pageStart } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { requireAccount } from "../commands/accounts.ts";
import { actorOf, notFound } from "../commands/call-context.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { listSessions } from "../repositories/sessions.ts";
import { READ, WRITE, actionOn, writeEndingSessions } from "./account-access.ts";
import { AccountParams, SessionBody, SessionId, sessionBody } from "./wire.ts";

const tag = "Sessions";
const path = "/v1/accounts/{accountId}/sessions";

const listRoute = (deps: AccountsDeps): Route =>
  route({
    method: "GET",
    path,
    operationId: "listSessions",
    tag,
    summary: "List the live sessions of an account, oldest first",
    rule: { allow: "own-or", permission: READ },
    params: AccountParams,
    query: pageQuery({}),
    responses: { 200: { description: "A page of sessions", body: pageOf(SessionBody) } },
    async handle(call) {
      const { query, nowMs, caller } = call;
      const { accountId } = actionOn(call, READ);
      const { database } = deps.kit;
      await requireAccount(database, accountId);
      const rows = await listSessions(database, {
        ...pageStart(query, "oldest"),
        accountId,
        nowMs,
      });
      const item = (it: (typeof rows)[number]) => sessionBody(it, caller.sessionId);
      return pageResponse(rows, query, { item, cursor: createdCursor });
    },
  });

const endRoute = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/sessions/{sessionId}",
    operationId: "endSession",
    tag,
    summary: "End a session; its tokens are refused immediately",
    rule: { allow: "own-or", permission: WRITE },
    params: z.strictObject({ sessionId: SessionId }),
    responses: { 204: { description: "Ended" } },
    async handle(call) {
      const { caller, params, nowMs } = call;
      const session = await deps.sessions.read(deps.kit.database, params.sessionId, nowMs);
      if (session === undefined || !mayActFor(caller, session.accountId, WRITE)) {
        throw notFound("session");
      }
      const { accountId, id: sessionId } = session;
      const which = { accountId, origin: originOf(call), actor: actorOf(caller), sessionId };
      return writeEndingSessions(deps, call, {
        ...which,
        work: async (tx) => ({
          ended: await deps.sessions.end(tx, { ...which, reason: "revoked" }),
          response: { status: 204 } as const,
        }),
      });
    },
  });

const endOthersRoute = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path,
    operationId: "endSessions",
    tag,
    summary: "End all sessions of an account except the current one",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    responses: {
      200: {
        description: "The number of ended sessions",
        body: z.strictObject({ ended: z.int() }),
      },
    },
    async handle(call) {
      const action = actionOn(call, WRITE);
      const except = call.caller.sessionId === "" ? undefined : call.caller.sessionId;
      return writeEndingSessions(deps, call, {
        ...action,
        work: async (tx) => {
          await requireAccount(tx, action.accountId);
          const ended = await deps.sessions.end(tx, { ...action, reason: "revoked", except });
          return { ended, response: { status: 200, body: { ended: ended.length } } as const };
        },
      });
    },
  });

export const sessionRoutes = (deps: AccountsDeps): Route[] => [
  listRoute(deps),
  endRoute(deps),
  endOthersRoute(deps),
];
