import { AppError } from "#platform/errors.ts";
import type { BaseCaller, OpenRule } from "#platform/http/access-control.ts";
import type { ResponseSpecs, Route, RouteSpec } from "#platform/http/route.ts";
import type { SecurityScheme } from "#platform/openapi/openapi.ts";

import type { Member } from "./member.ts";
import type { Capability, Grant, Target } from "./policy.ts";

/** A grant that a route or a socket needs. */
export type GrantRule = { allow: "grant"; capability: Capability; target: Target };

/** Who may call a route of the control plane. */
export type MemberRule = OpenRule | { allow: "member" } | GrantRule;

/** Who calls the control plane; `signedIn` is undefined for anonymous callers and on routes that anyone may call. */
export type MemberCaller = BaseCaller & {
  kind: "anonymous" | "member";
  signedIn: { member: Member; grants: readonly Grant[] } | undefined;
};

/** Declares a route of the control plane. There is no default rule. */
export function memberRoute<Params, Query, Body, const Responses extends ResponseSpecs>(
  spec: RouteSpec<Params, Query, Body, Responses, MemberRule, MemberCaller>,
): Route<MemberRule> {
  return spec;
}

/** @throws AppError unauthenticated */
export function signedInOf({ signedIn }: MemberCaller): NonNullable<MemberCaller["signedIn"]> {
  if (signedIn === undefined) throw new AppError("unauthenticated", "Sign in first.");
  return signedIn;
}

/** Authentication by session cookie of this name, and authorization by rules that name grants. */
export const sessionScheme = (cookieName: string): SecurityScheme<MemberRule> => ({
  name: "session",
  definition: {
    type: "apiKey",
    in: "cookie",
    name: cookieName,
    description: `Send the cookie \`${cookieName}\` that \`POST /api/session\` sets (behind https: \`__Host-${cookieName}\`). The end of its name is the id of this installation.`,
  },
  whoMay(rule) {
    switch (rule.allow) {
      case "anyone":
        return `anyone (${rule.why})`;
      case "member":
        return "every member";
      case "grant":
        return `owners, and members with the grant "${rule.capability} ${rule.target}"`;
    }
  },
});
