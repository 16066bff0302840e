import type { IncomingMessage } from "node:http";

import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { RateLimit } from "#platform/http/rate-limit.ts";
import type { Log } from "#platform/log.ts";

import type { Caller } from "./caller.ts";
import { type Served, compileRoute } from "./compile-route.ts";
import type { ServiceDatabase } from "./database.ts";
import type { LastWrites } from "./last-writes.ts";
import type { RouteMeter } from "./metrics.ts";
import type { Route } from "./route.ts";

/** What serving a request takes. */
export type RequestDeps = {
  clock: Clock;
  log: Log;
  database: ServiceDatabase;
  lastWrites: LastWrites;
  /** Of every answer: release, instance. */
  headers: Readonly<Record<string, string>>;
  /** The general limit of each caller. */
  limit: RateLimit;
  callerOf(authorization: string | undefined, address: string): Promise<Caller>;
  addressOf(incoming: IncomingMessage): string;
  /** Writes the access line. */
  said(request: Served, status: number, tookMs: number): void;
  /** What counts the requests of a route. */
  meter(route: Route): RouteMeter;
  stopping: AbortSignal;
};

/** The routes of a service as a Hono app. */
export function createApp(
  routes: readonly Route[],
  deps: RequestDeps,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(route.method, path, compileRoute(route, deps));
  }
  const nowhere = compileRoute(NOWHERE, deps);
  app.notFound((context) => nowhere(context));
  return app;
}

const NOWHERE: Route = {
  method: "GET",
  path: "/*",
  operationId: "nowhere",
  tag: "None",
  summary: "Any path that is not there",
  rule: { allow: "anyone", why: "to be told that there is nothing" },
  query: z.unknown(),
  answers: {},
  handle: ({ incoming }) => {
    const [path] = (incoming.url ?? "").split("?");
    throw new AppError("not_found", `There is nothing at ${incoming.method} ${path}.`);
  },
};
