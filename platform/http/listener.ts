import type { IncomingMessage, ServerResponse } from "node:http";

import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { z } from "zod";

import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { RouteMeter } from "../metrics/metrics.ts";
import type { LastWrites } from "../postgres/last-writes.ts";
import type { ServiceDatabase } from "../postgres/service-database.ts";
import type { CallerOf } from "./bearer-auth.ts";
import { type Handler, type Served, compileRoute } from "./compile-route.ts";
import { problemHeaders, problemOf } from "./problem.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Route } from "./route.ts";

/** What serving a request takes. */
export type ListenerDeps = {
  clock: Clock;
  log: Log;
  database: ServiceDatabase;
  lastWrites: LastWrites;
  /** Of every answer: release, instance. */
  headers: Readonly<Record<string, string>>;
  /** The general limit of each caller. */
  limit: RateLimit;
  callerOf: CallerOf;
  /** Who sends a request. */
  addressOf(incoming: IncomingMessage): string;
  /** Writes the access line. */
  writeAccessLine(request: Served, status: number, tookMs: number): void;
  /** What counts the requests of a route. */
  meter(route: Route): RouteMeter;
  stopping: AbortSignal;
};

/**
 * The routes of a service as a listener of Node's HTTP server. Hono's router finds the route; what Hono and its server
 * for Node put around a handler (Request, Context, Response) would cost more than all that is done for a request here.
 */
export function createListener(
  routes: readonly Route[],
  deps: ListenerDeps,
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
  const answerNoRoute = compileRoute(noRoute(allowedAt), deps);
  return (incoming, outgoing) => {
    const method = incoming.method === "HEAD" ? "GET" : (incoming.method ?? "");
    const [[first], stash] = router.match(method, pathOf(incoming.url ?? ""));
    if (first === undefined || lacksHost(incoming)) answerNoRoute(incoming, outgoing, () => ({}));
    else first[0](incoming, outgoing, () => paramsOf(first[1], stash));
  };
}

/** Without the query; of a whole URL, as proxies may send it, its path. */
function pathOf(url: string): string {
  const end = url.indexOf("?");
  const path = end === -1 ? url : url.slice(0, end);
  return path.startsWith("/") || !URL.canParse(path) ? path : new URL(path).pathname;
}

/** The routers of Hono give a parameter as it stands in the path, or as the place where it stands in `stash`. */
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
    return text; // No valid escape: then it is what it says, and no id of ours.
  }
}

/** HTTP/1.1 wants to hear for whom a request is: what stands before us may else have thought of somebody else. */
const lacksHost = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersion !== "1.0";

/** Answers what no route answers: there is nothing (404), or nothing by this method (405), or nobody is named. */
const noRoute = (allowedAt: (path: string) => string[]): Route => ({
  method: "GET",
  path: "/*",
  operationId: "noRoute",
  tag: "None",
  summary: "Any path that is not there",
  rule: { allow: "anyone", why: "to be told that there is nothing" },
  query: z.unknown(),
  answers: {},
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
      `${shown} does not take ${method}: send ${allowed.join(" or ")}.`,
    );
    return new Response(JSON.stringify(problemOf(error, log)), {
      status: 405,
      headers: { ...problemHeaders(error), allow: allowed.join(", ") },
    });
  },
});
