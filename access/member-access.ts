import type { IncomingMessage } from "node:http";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { AccessControl } from "#platform/http/access-control.ts";
import { type OriginRules, checkOrigin } from "#platform/http/same-origin.ts";
import type { Database } from "#platform/postgres/database.ts";

import type { Access } from "./access.ts";
import { grantsOf } from "./grants.ts";
import { can, explain } from "./policy.ts";
import { type GrantRule, type MemberCaller, type MemberRule, signedInOf } from "./route.ts";

export type MemberAccess = AccessControl<MemberRule> & {
  /**
   * Resolves to the id of the member who opened a socket; rejects when they do not have this grant (any more).
   */
  checkSocket(handshake: IncomingMessage, rule: GrantRule): Promise<string>;
};

/** Identifies callers by session cookie, for requests from our own pages only, and authorizes them by their grants. */
export function memberAccess(deps: {
  access: Pick<Access, "sessionOf">;
  database: Database;
  clock: Clock;
  origins: OriginRules;
}): MemberAccess {
  const { access, database, clock, origins } = deps;

  async function callerOf(cookies: string | undefined, address: string): Promise<MemberCaller> {
    const session = await access.sessionOf(cookies);
    if (session === undefined) return anonymous(address);
    const { member, expiresMs: endsMs } = session;
    const grants = await grantsOf(database, member.id);
    return { kind: "member", id: member.id, endsMs, address, signedIn: { member, grants } };
  }

  function authorise(rule: MemberRule, caller: MemberCaller): void {
    if (rule.allow === "anyone") return;
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
      return callerOf(incoming.headers.cookie, address);
    },
    authorise,
    async checkSocket({ headers }, rule) {
      const caller = await callerOf(headers.cookie, "");
      authorise(rule, caller);
      return caller.id;
    },
  };
}

const anonymous = (address: string): MemberCaller => ({
  kind: "anonymous",
  id: "",
  address,
  signedIn: undefined,
});
