import { AppError } from "#platform/errors.ts";
import type { BaseCaller, OpenRule } from "#platform/http/access-control.ts";
import type { ResponseSpecs, Route, RouteSpec } from "#platform/http/route.ts";
import type { SecurityScheme, TokenScheme } from "#platform/openapi/openapi.ts";

import { type DeployAct, type DeployToken, whyNotByToken } from "./deploy-token.ts";
import type { Member } from "./member.ts";
import { can, type Capability, explain, type Grant, type Target } from "./policy.ts";

/** A grant that a route or a socket needs. */
export type GrantRule = { allow: "grant"; capability: Capability; target: Target };

/**
 * Something that is done with a workload, by members with a grant and by tokens of pipelines. Which workload is known only when the
 * request was read: the handler then calls `checkAct`.
 */
export type ActRule = { allow: "act"; act: DeployAct };

/** The right to decide which pipelines deploy, as a token outlives the grants of whoever made it. */
export const MANAGE_DEPLOY_TOKENS = {
  allow: "grant",
  capability: "own",
  target: "workload:*",
} as const satisfies GrantRule;

/** Who may call a route of the control plane. */
export type MemberRule = OpenRule | { allow: "member" } | GrantRule | ActRule;

/**
 * Who calls the control plane; `signedIn` is undefined for anonymous callers and on routes that anyone may call, `token` for all but
 * pipelines.
 */
export type MemberCaller = BaseCaller & {
  kind: "anonymous" | "member" | "token";
  signedIn: { member: Member; grants: readonly Grant[] } | undefined;
  token?: DeployToken | undefined;
};

/** What a member needs for it, on the workload. */
export const ACT_CAPABILITIES: Readonly<Record<DeployAct, Capability>> = {
  see: "view",
  start: "manage",
  pause: "manage",
  resume: "manage",
  hold: "manage",
  abort: "manage",
  "roll-back": "manage",
  freeze: "manage",
  ban: "manage",
  // It takes the responsibility for what the machine would wait for.
  force: "own",
  // A configuration can reach all workloads, and files of this machine.
  "configure-edge": "own",
};

/** Checks an act on a workload, or on all without one. @throws AppError unauthenticated or forbidden */
export function checkAct(
  caller: MemberCaller,
  act: DeployAct,
  { workload, nowMs }: { workload: string | undefined; nowMs: number },
): void {
  if (caller.token !== undefined) {
    const refusal = whyNotByToken(caller.token, act, workload);
    if (refusal !== undefined) throw new AppError("forbidden", refusal);
    return;
  }
  const subject = { ...signedInOf(caller), nowMs };
  const asked = [ACT_CAPABILITIES[act], `workload:${workload ?? "*"}`] as const;
  if (can(subject, ...asked)) return;
  throw new AppError("forbidden", explain(subject, ...asked).reason);
}

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
      case "act":
        return `owners, members with the grant "${ACT_CAPABILITIES[rule.act]} workload:NAME" for the workload, and tokens for it with the act "${rule.act}"`;
    }
  },
});

/** Authentication of pipelines, on routes about deploys. */
export const deployTokenScheme: TokenScheme<MemberRule> = {
  name: "deployToken",
  definition: {
    type: "http",
    scheme: "bearer",
    description: "A token that `quarterdeck token add NAME --deploys WORKLOADS` made.",
  },
  accepts: ({ allow }) => allow === "act",
};
