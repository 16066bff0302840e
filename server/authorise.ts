import type { MiddlewareHandler } from "hono";

import type { Access } from "#access/access.ts";
import { grantsOf } from "#access/grants.ts";
import { can, explain } from "#access/policy.ts";
import { ACCESS_ROUTES, type RouteEntry, type RouteGrant } from "#access/routes.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Database } from "#platform/postgres/database.ts";

import { SERVER_ROUTES } from "./routes/grants.ts";

export type AuthoriseDeps = { access: Access; database: Database; clock: Clock };

/** Refuses, with the reason, who lacks what the route asks for. Returns for those who may. */
export async function authorise(
  deps: AuthoriseDeps,
  cookies: string | undefined,
  grant: RouteGrant,
): Promise<void> {
  if (grant === "anyone") return;
  const session = await deps.access.sessionOf(cookies);
  if (!session) throw new AppError("unauthenticated", "Sign in first.");
  if (grant === "member") return;
  const { member } = session;
  const grants = await grantsOf(deps.database, member.id);
  const subject = { member, grants, nowMs: deps.clock.nowMs() };
  if (can(subject, grant.capability, grant.target)) return;
  throw new AppError("forbidden", explain(subject, grant.capability, grant.target).reason);
}

/** Deny by default: a path that no table of routes names is refused before any handler sees it. */
export function authoriseRoutes(deps: AuthoriseDeps): MiddlewareHandler {
  const grants = new Map(
    [...ACCESS_ROUTES, ...SERVER_ROUTES].map((route) => [keyOf(route), route.grant]),
  );
  return async (context, next) => {
    const { method, path } = context.req;
    const grant = grants.get(keyOf({ method: method === "HEAD" ? "GET" : method, path }));
    if (grant === undefined) {
      throw new AppError("not_found", `There is nothing at ${method} ${path}.`);
    }
    await authorise(deps, context.req.header("cookie"), grant);
    await next();
  };
}

const keyOf = ({ method, path }: Pick<RouteEntry, "method" | "path">): string =>
  `${method} ${path}`;
