import type { IncomingMessage, ServerResponse } from "node:http";

import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { z } from "zod";

import { AppError } from "../errors.ts";
import type { BaseRule, OpenRule } from "./access-control.ts";
import { type Handler, compileRoute } from "./compile-route.ts";
import type { ListenerDeps } from "./listener-deps.ts";
import { problemHeaders, problemOf } from "./problem.ts";
import type { Route } from "./route.ts";

/**
 * The routes of a program as a listener of Node's HTTP server. Hono's router finds the route; Hono's Request, Context
 * and Response around each handler would cost more than all other work for a request.
 */
export function createListener<R extends BaseRule>(
  routes: readonly Route<NoInfer<R>>[],
  deps: ListenerDeps<R>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const router = new SmartRouter<Handler>({ routers: [new RegExpRouter(), new TrieRouter()] });
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    router.add(route.method, path, compileRoute(route, deps));
  }
  const methods = [...new Set(routes.map((route) => route.method))];
  const allowedAt = (path: string): string[] =>
    methods
      .filter((method) => router.match(method, path)[0].length > 0)
      .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  const handleNoRoute = compileRoute(noRoute(allowedAt), deps);
  return (incoming, outgoing) => {
    const method = incoming.method === "HEAD" ? "GET" : (incoming.method ?? "");
    const [[first], stash] = router.match(method, pathOf(incoming.url ?? ""));
    if (first === undefined || lacksHost(incoming)) handleNoRoute(incoming, outgoing, () => ({}));
    else first[0](incoming, outgoing, () => paramsOf(first[1], stash));
  };
}

/** The path without the query. Proxies may send an absolute URL. */
function pathOf(url: string): string {
  const end = url.indexOf("?");
  const path = end === -1 ? url : url.slice(0, end);
  return path.startsWith("/") || !URL.canParse(path) ? path : new URL(path).pathname;
}

/** Hono's routers return a parameter as text, or as its index in `stash`. */
function paramsOf(
  found: Readonly<Record<string, string | number>>,
  stash: readonly string[] | undefined,
): Record<string, string> {
  const params: Record<string, string> = {};
  for (const name of Object.keys(found)) {
    const value = found[name];
    const text = typeof value === "number" ? stash?.[value] : value;
    if (text !== undefined) params[name] = text.includes("%") ? decoded(text) : text;
  }
  return params;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not a valid escape, so not one of our ids.
  }
}

/** HTTP/1.1 requires Host; without it a proxy may have routed for another host. */
const lacksHost = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersion !== "1.0";

/** Responds to requests that match no route: 404, 405 where another method is allowed, 400 without a Host. */
const noRoute = (allowedAt: (path: string) => string[]): Route<OpenRule> => ({
  method: "GET",
  path: "/*",
  operationId: "noRoute",
  tag: "None",
  summary: "Paths without a route",
  rule: { allow: "anyone", why: "a 404 reveals nothing" },
  query: z.unknown(),
  responses: {},
  async handle({ incoming, log }) {
    if (lacksHost(incoming)) throw new AppError("bad_request", "Send a Host header.");
    const { method = "", url = "" } = incoming;
    const path = pathOf(url);
    const allowed = allowedAt(path);
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
    if (allowed.length === 0) {
      throw new AppError("not_found", `There is nothing at ${method} ${shown}.`);
    }
    const error = new AppError(
      "method_not_allowed",
      `${shown} does not support ${method}: send ${allowed.join(" or ")}.`,
    );
    return new Response(JSON.stringify(problemOf(error, log)), {
      status: 405,
      headers: { ...problemHeaders(error), allow: allowed.join(", ") },
    });
  },
});
