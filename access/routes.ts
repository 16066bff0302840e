import type { IncomingMessage } from "node:http";

import type { Route } from "#platform/http/route.ts";

import type { Access } from "./access.ts";
import { isSecure } from "./cookie.ts";
import { Me, type Member, SetupState } from "./member.ts";
import { type MemberRule, memberRoute, signedInOf } from "./route.ts";
import { FirstOwner } from "./setup.ts";
import { Credentials } from "./sign-in.ts";

export type AccessRoutesDeps = {
  access: Pick<Access, "setup" | "signIn" | "sessions" | "cookie">;
  settings: { publicUrl: string | undefined; sessionMaxMs: number };
};

/** Creating the first owner, signing in and out, and the signed-in member. */
export const accessRoutes = (deps: AccessRoutesDeps): Route<MemberRule>[] => [
  setupStateRoute(deps),
  setupRoute(deps),
  signInRoute(deps),
  signOutRoute(deps),
  meRoute,
];

const setupStateRoute = ({ access }: AccessRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/setup",
    operationId: "getSetup",
    tag: "Members",
    summary: "Returns whether the first owner has not been created yet",
    rule: { allow: "anyone", why: "needed before there are members" },
    responses: { 200: { description: "Whether the set-up is open", body: SetupState } },
    handle: async () => ({ status: 200, body: { open: await access.setup.isOpen() } }),
  });

const setupRoute = (deps: AccessRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/setup",
    operationId: "createFirstOwner",
    tag: "Members",
    summary: "Creates the first owner with the one-time link and signs them in",
    rule: { allow: "anyone", why: "authenticated by the one-time link" },
    limit: { burst: 10, perMinute: 6 },
    body: FirstOwner,
    responses: { 201: { description: "The owner, with a session cookie", body: Me } },
    async handle({ body, caller, incoming }) {
      const { member, token } = await deps.access.setup.redeem(body, caller.address);
      return { status: 201, body: meOf(member), headers: cookieFor(deps, incoming, token) };
    },
  });

const signInRoute = (deps: AccessRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "POST",
    path: "/api/session",
    operationId: "signIn",
    tag: "Members",
    summary: "Signs a member in",
    rule: { allow: "anyone", why: "authenticated by the password; attempts are limited" },
    body: Credentials,
    responses: { 201: { description: "The member, with a session cookie", body: Me } },
    async handle({ body, caller, incoming }) {
      const { member, token } = await deps.access.signIn(body, caller.address);
      return { status: 201, body: meOf(member), headers: cookieFor(deps, incoming, token) };
    },
  });

const signOutRoute = (deps: AccessRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "DELETE",
    path: "/api/session",
    operationId: "signOut",
    tag: "Members",
    summary: "Ends the session of the request",
    rule: { allow: "anyone", why: "it only ends the caller's own session" },
    responses: { 204: { description: "Signed out" } },
    async handle({ caller, incoming }) {
      const { sessions, cookie } = deps.access;
      const token = cookie.tokenIn(incoming.headers.cookie);
      if (token !== undefined) await sessions.end(token, caller.address);
      return { status: 204, headers: cookieFor(deps, incoming, "") };
    },
  });

const meRoute = memberRoute({
  method: "GET",
  path: "/api/me",
  operationId: "getMe",
  tag: "Members",
  summary: "Returns the signed-in member",
  rule: { allow: "member" },
  responses: { 200: { description: "The member", body: Me } },
  handle: ({ caller }) => ({ status: 200, body: meOf(signedInOf(caller).member) }),
});

/** The session cookie with this token; an empty token deletes it. */
function cookieFor(
  { access, settings }: AccessRoutesDeps,
  { headers }: IncomingMessage,
  token: string,
): { "set-cookie": string } {
  const secure = isSecure(headers.host, settings.publicUrl);
  const maxAgeMs = token === "" ? 0 : settings.sessionMaxMs;
  return { "set-cookie": access.cookie.headerFor(token, { secure, maxAgeMs }) };
}

const meOf = ({ id, email, name, role }: Member): Me => ({ memberId: id, email, name, role });
