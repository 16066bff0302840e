import type { BaseRule } from "#platform/http/access-control.ts";
import type { Route as RouteOf } from "#platform/http/route.ts";

import type { RunningApi } from "./fuzz.ts";

type Route = RouteOf<BaseRule>;

export const nameOf = (route: Route): string => `${route.method} ${route.path}`;

/**
 * Whether a caller passes authentication and authorisation. The request is invalid, so that it has no effect.
 */
export async function isAdmitted(
  running: RunningApi,
  route: Route,
  as: string | undefined,
): Promise<boolean> {
  const path = route.path.replaceAll(/\{\w+\}/g, "-");
  const { status } = await running.send(route.method, `${path}?nobody-knows-this=1`, {
    as,
    onlyMs: 200,
    ...(route.method === "GET" ? {} : { body: { nobodyKnowsThis: true } }),
  });
  return status !== 401 && status !== 403;
}

/** The rules of all routes as text, to be compared with the expected ones. */
export function rulesText<R extends Route>(
  routes: readonly R[],
  ruleOf: (route: R) => string,
): string {
  const lines = routes.map((route) => `${nameOf(route)}  ${ruleOf(route)}`);
  return `${lines.toSorted((a, b) => a.localeCompare(b)).join("\n")}\n`;
}
