import { z } from "zod";

import { mayActFor } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { requireAccount, notFound } from "../commands/sign-in.ts";
import { type AccountsDeps, originOf } from "../deps.ts";
import { listSessions } from "../repositories/sessions.ts";
import { READ, WRITE, actOf, actorOf } from "./account-access.ts";
import { AccountParams, ByTime, SessionBody, SessionId, sessionBody } from "./wire.ts";

const tag = "Sessions";
const path = "/v1/accounts/{accountId}/sessions";

const list = (deps: AccountsDeps): Route =>
  route({
    method: "GET",
    path,
    operationId: "listSessions",
    tag,
    summary: "Where an account is signed in, oldest first",
    rule: { allow: "own-or", permission: READ },
    params: AccountParams,
    query: pageQuery({}),
    answers: { 200: { description: "A page of sessions", body: pageOf(SessionBody) } },
    async handle({ caller, params, query, nowMs }) {
      if (!mayActFor(caller, params.accountId, READ)) throw notFound("account");
      await requireAccount(deps.kit.database, params.accountId);
      const after = decodeCursor(ByTime, query.cursor);
      const of = { ...params, nowMs, after, limit: query.limit };
      const page = cutPage(await listSessions(deps.kit.database, of), query.limit, {
        item: (it) => sessionBody(it, caller.sessionId),
        cursor: (it) => [new Date(it.createdAtMs).toISOString(), it.id],
      });
      return { status: 200, body: page };
    },
  });

const endOne = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/sessions/{sessionId}",
    operationId: "endSession",
    tag,
    summary: "Ends one session: its tokens are refused at once",
    rule: { allow: "own-or", permission: WRITE },
    params: z.strictObject({ sessionId: SessionId }),
    answers: { 204: { description: "Ended" } },
    async handle(call) {
      const { caller, params, nowMs } = call;
      const session = await deps.sessions.read(deps.kit.database, params.sessionId, nowMs);
      if (session === undefined || !mayActFor(caller, session.accountId, WRITE)) {
        throw notFound("session");
      }
      const origin = originOf(call);
      const { accountId, id: sessionId } = session;
      let ended: string[] = [];
      const answer = await call.write(async (tx) => {
        const which = { accountId, sessionId, reason: "revoked", origin, actor: actorOf(caller) };
        ended = await deps.sessions.end(tx, which);
        return { status: 204 };
      });
      deps.sessions.announceEnd(accountId, ended, origin);
      return answer;
    },
  });

const endOthers = (deps: AccountsDeps): Route =>
  route({
    method: "DELETE",
    path,
    operationId: "endSessions",
    tag,
    summary: "Ends every session of an account but the one that asks",
    rule: { allow: "own-or", permission: WRITE },
    params: AccountParams,
    answers: {
      200: { description: "How many were ended", body: z.strictObject({ ended: z.int() }) },
    },
    async handle(call) {
      const { accountId, actor, origin } = actOf(call, WRITE);
      let ended: string[] = [];
      const answer = await call.write(async (tx) => {
        await requireAccount(tx, accountId);
        const except = call.caller.sessionId === "" ? undefined : call.caller.sessionId;
        ended = await deps.sessions.end(tx, {
          accountId,
          reason: "revoked",
          origin,
          actor,
          except,
        });
        return { status: 200, body: { ended: ended.length } };
      });
      deps.sessions.announceEnd(accountId, ended, origin);
      return answer;
    },
  });

/** Where an account is signed in. */
export const sessionRoutes = (deps: AccountsDeps): Route[] => [
  list(deps),
  endOne(deps),
  endOthers(deps),
];
