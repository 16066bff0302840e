import { type Context, Hono, type MiddlewareHandler } from "hono";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { jsonAnswer, jsonRoute } from "#platform/http/json-route.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";

import type { Access } from "./access.ts";
import { isSecure, sessionCookie, tokenIn } from "./cookie.ts";
import type { Member } from "./member.ts";
import type { Capability, Target } from "./policy.ts";
import type { Session } from "./sessions.ts";
import { FirstOwner } from "./setup.ts";
import { Credentials } from "./sign-in.ts";

/** What a route asks of who calls it: nothing, to be signed in, or a capability on a target. */
export type RouteGrant = "anyone" | "member" | { capability: Capability; target: Target };
export type RouteEntry = { method: string; path: string; grant: RouteGrant };

/** Every route of this room with its grant; a test holds it against the app. */
export const ACCESS_ROUTES: readonly RouteEntry[] = [
  { method: "GET", path: "/api/setup", grant: "anyone" },
  { method: "POST", path: "/api/setup", grant: "anyone" },
  { method: "POST", path: "/api/session", grant: "anyone" },
  { method: "DELETE", path: "/api/session", grant: "anyone" },
  { method: "GET", path: "/api/me", grant: "member" },
];

export type AccessRoutesDeps = {
  access: Access;
  clock: Clock;
  config: { publicUrl: string | undefined; sessionMaxMs: number };
  /** Where a request comes from (platform/http/peer-address.ts). */
  addressOf: (context: Context) => string;
};

const SETUP_TRIES = { burst: 10, refillMs: 10_000, keysMax: 10_000 };

export function accessRoutes(deps: AccessRoutesDeps): Hono<MemberEnvironment> {
  const { access, addressOf } = deps;
  const setupTries = createRateLimit(SETUP_TRIES, deps.clock);
  const routes = new Hono<MemberEnvironment>();

  routes.get("/api/setup", async () =>
    jsonAnswer({ status: 200, body: { open: await access.setup.isOpen() } }),
  );

  const postSetup = jsonRoute(FirstOwner, async (body, _: undefined, context) => {
    setupTries.take(addressOf(context));
    const { member, token } = await access.setup.redeem(body, addressOf(context));
    return { status: 201, body: me(member), headers: cookieFor(context, token) };
  });
  routes.post("/api/setup", postSetup(undefined));

  const postSession = jsonRoute(Credentials, async (body, _: undefined, context) => {
    const { member, token } = await access.signIn(body, addressOf(context));
    return { status: 201, body: me(member), headers: cookieFor(context, token) };
  });
  routes.post("/api/session", postSession(undefined));

  routes.delete("/api/session", async (context) => {
    const token = tokenIn(context.req.header("cookie"));
    if (token !== undefined) await access.sessions.end(token, addressOf(context));
    return jsonAnswer({ status: 204, headers: cookieFor(context, "") });
  });

  routes.get("/api/me", requireMember(access), (context) =>
    jsonAnswer({ status: 200, body: me(context.get("session").member) }),
  );
  return routes;

  function cookieFor(context: Context, token: string): Record<string, string> {
    const secure = isSecure(context.req.header("host"), deps.config.publicUrl);
    const maxAgeMs = token === "" ? 0 : deps.config.sessionMaxMs;
    return { "set-cookie": sessionCookie(token, { secure, maxAgeMs }) };
  }
}

/** What a route behind `requireMember` finds in its context. */
export type MemberEnvironment = { Variables: { session: Session } };

/** Lets through who is signed in, as `context.get("session")`. */
function requireMember(access: Pick<Access, "sessionOf">): MiddlewareHandler<MemberEnvironment> {
  return async (context, next) => {
    const session = await access.sessionOf(context.req.header("cookie"));
    if (session === undefined) throw new AppError("unauthenticated", "Sign in first.");
    context.set("session", session);
    await next();
  };
}

/** The answer of GET /api/me (dashboards/api.ts). */
const me = ({ id, email, name, role }: Member) => ({ memberId: id, email, name, role });
