import type { IncomingMessage } from "node:http";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { AccessControl } from "#platform/http/access-control.ts";
import { bearerToken } from "#platform/http/bearer-auth.ts";
import { type OriginRules, checkOrigin } from "#platform/http/same-origin.ts";
import type { Database } from "#platform/postgres/database.ts";

import type { Access } from "./access.ts";
import type { DeployToken } from "./deploy-token.ts";
import { grantsOf } from "./grants.ts";
import { can, explain } from "./policy.ts";
import {
  ACT_CAPABILITIES,
  type ActRule,
  checkAct,
  type GrantRule,
  type MemberCaller,
  type MemberRule,
  signedInOf,
} from "./route.ts";

export type MemberAccess = AccessControl<MemberRule> & {
  /**
   * Resolves to the id of the member who opened a socket; rejects when they do not have this grant (any more).
   */
  checkSocket(handshake: IncomingMessage, rule: GrantRule): Promise<string>;
  /** The member who opened a socket, with their present grants. @throws AppError unauthenticated */
  socketCaller(handshake: IncomingMessage): Promise<MemberCaller>;
};

/**
 * Identifies callers by session cookie, for requests from our own pages only, and authorizes them by their grants; on routes about
 * deploys also pipelines by bearer token.
 */
export function memberAccess(deps: {
  access: Pick<Access, "sessionOf">;
  database: Database;
  clock: Clock;
  origins: OriginRules;
  deployTokens: { find(secret: string): DeployToken | undefined };
}): MemberAccess {
  const { access, database, clock, origins, deployTokens } = deps;

  async function callerOf(cookies: string | undefined, address: string): Promise<MemberCaller> {
    const session = await access.sessionOf(cookies);
    if (session === undefined) return anonymous(address);
    const { member, expiresMs: endsMs } = session;
    const grants = await grantsOf(database, member.id);
    return { kind: "member", id: member.id, endsMs, address, signedIn: { member, grants } };
  }

  /** @throws AppError unauthenticated */
  function tokenCaller(authorization: string, address: string): MemberCaller {
    const secret = bearerToken(authorization);
    const token = secret === undefined ? undefined : deployTokens.find(secret);
    if (token === undefined) throw unknownToken();
    return { kind: "token", id: token.id, address, signedIn: undefined, token };
  }

  function authorise(rule: MemberRule, caller: MemberCaller): void {
    if (rule.allow === "anyone") return;
    if (rule.allow === "act") {
      checkSomeAct(caller, rule, clock.nowMs());
      return;
    }
    const signedIn = signedInOf(caller);
    if (rule.allow === "member") return;
    const { capability, target } = rule;
    const subject = { ...signedIn, nowMs: clock.nowMs() };
    if (can(subject, capability, target)) return;
    throw new AppError("forbidden", explain(subject, capability, target).reason);
  }

  return {
    authenticate(incoming, address, { rule }) {
      checkOrigin(incoming, origins);
      // Open routes work without the database.
      if (rule.allow === "anyone") return anonymous(address);
      const { authorization } = incoming.headers;
      if (rule.allow === "act" && authorization !== undefined) {
        return tokenCaller(authorization, address);
      }
      return callerOf(incoming.headers.cookie, address);
    },
    authorise,
    async checkSocket({ headers }, rule) {
      const caller = await callerOf(headers.cookie, "");
      authorise(rule, caller);
      return caller.id;
    },
    async socketCaller({ headers }) {
      const caller = await callerOf(headers.cookie, "");
      signedInOf(caller);
      return caller;
    },
  };
}

const anonymous = (address: string): MemberCaller => ({
  kind: "anonymous",
  id: "",
  address,
  signedIn: undefined,
});

const unknownToken = (): AppError =>
  new AppError(
    "unauthenticated",
    "This token is unknown or was removed. Send Authorization: Bearer qdd_…; quarterdeck token add NAME --deploys WORKLOADS makes one.",
  );

/** Whether the caller may do it with any workload; the handler checks the one that is meant. @throws AppError */
function checkSomeAct(caller: MemberCaller, { act }: ActRule, nowMs: number): void {
  const { token } = caller;
  if (token !== undefined) {
    checkAct(caller, act, { workload: token.workloads[0], nowMs });
    return;
  }
  const { member, grants } = signedInOf(caller);
  const targets = grants.map(({ target }) => target).filter((it) => it.startsWith("workload:"));
  const subject = { member, grants, nowMs };
  const capability = ACT_CAPABILITIES[act];
  if ([...targets, "workload:*" as const].some((it) => can(subject, capability, it))) return;
  throw new AppError("forbidden", explain(subject, capability, targets[0] ?? "workload:*").reason);
}
