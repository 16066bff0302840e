import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

import { AppError } from "#platform/errors.ts";
import { problemHeaders, problemOf } from "#platform/http/problem.ts";
import { TooManyRequests, createRateLimit, type RateLimit } from "#platform/http/rate-limit.ts";
import { dataHeaders } from "#platform/http/security-headers.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { RequestDeps } from "./app.ts";
import { type Caller, type Rule, holds } from "./caller.ts";
import { once } from "./idempotency.ts";
import { type Input, readInput } from "./request-input.ts";
import type { AnyAnswer, Call, Route } from "./route.ts";
import { type Trace, traceOf } from "./trace.ts";

export type ApiContext = Context<{ Bindings: HttpBindings }>;
const SAFE_HEADERS = dataHeaders();
const LIMIT_KEYS_MAX = 50_000;

/** One route as a Hono handler: who, may they, what, do it, check the answer, say what happened. */
export function compileRoute(
  route: Route,
  deps: RequestDeps,
): (context: ApiContext) => Promise<Response> {
  const limit = limitOf(route, deps);
  return async (context) => {
    const startedMs = performance.now();
    const { incoming } = context.env;
    const trace = traceOf(headerOf(incoming.headers["traceparent"]));
    const request: Served = { route, trace, incoming, address: deps.addressOf(incoming) };
    let response: Response;
    try {
      const caller = await deps.callerOf(incoming.headers.authorization, request.address);
      request.caller = caller;
      takeToken(deps.limit, caller);
      if (limit) takeToken(limit, caller);
      checkRule(route.rule, caller);
      response = await answer({ ...request, caller }, context, deps);
    } catch (error) {
      response = problem(error, deps, trace);
    }
    deps.said(request, response.status, performance.now() - startedMs);
    return response;
  };
}

/** A request on its way; the caller is known once the token was checked. */
export type Served = {
  route: Route;
  trace: Trace;
  incoming: HttpBindings["incoming"];
  address: string;
  caller?: Caller;
};

async function answer(
  request: Served & { caller: Caller },
  context: ApiContext,
  deps: RequestDeps,
): Promise<Response> {
  const { route, caller, trace, incoming } = request;
  const input = await readInput(route, incoming, context.req.param());
  const consistency = headerOf(incoming.headers["read-after"]);
  let wrote = false;
  const call = {
    ...input,
    caller,
    incoming,
    nowMs: deps.clock.nowMs(),
    traceId: trace.traceId,
    log: deps.log.child({ "trace.id": trace.traceId }),
    database: deps.database,
    read: route.reads === "replica" ? await deps.database.reader(consistency) : deps.database,
    ifNoneMatch: incoming.headers["if-none-match"],
    signal: signalOf(context, deps),
    write: async <Answer extends AnyAnswer>(work: (tx: Queryable) => Promise<Answer>) => {
      const done = await write(request, input, { deps, work });
      wrote = true;
      return done;
    },
  };
  // The handler gets what its own schemas gave: `route()` has tied the two together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const result = await route.handle(call as unknown as Call<never, never, never, never>);
  if (result instanceof Response) return result;
  const lsn = wrote ? await deps.database.lastWrite() : undefined;
  return jsonResponse(route, result, {
    ...deps.headers,
    ...(lsn === undefined ? {} : { "read-after": lsn }),
  });
}

async function write<Answer extends AnyAnswer>(
  { route, caller }: Served & { caller: Caller },
  input: Input,
  { deps, work }: { deps: RequestDeps; work: (tx: Queryable) => Promise<Answer> },
): Promise<Answer> {
  const key = input.idempotencyKey;
  return deps.database.transaction((tx) =>
    key === undefined
      ? work(tx)
      : once(
          tx,
          {
            key,
            scope: `${caller.kind} ${caller.id} ${route.operationId}`,
            content: JSON.stringify([input.params, input.query, input.bodyText]),
            nowMs: deps.clock.nowMs(),
          },
          () => work(tx),
        ),
  );
}

function jsonResponse(
  route: Route,
  { status, body, headers }: AnyAnswer,
  more: Readonly<Record<string, string>>,
): Response {
  const spec = route.answers[status];
  if (spec === undefined)
    throw new Error(`${route.operationId} answered ${status}, which it does not list`);
  const all = { ...SAFE_HEADERS, "cache-control": "no-store", ...more, ...headers };
  if (spec.body === undefined) return new Response(null, { status, headers: all });
  const text = JSON.stringify(spec.body.parse(body));
  return new Response(text, { status, headers: { ...all, "content-type": "application/json" } });
}

function problem(error: unknown, deps: RequestDeps, trace: Trace): Response {
  const body = problemOf(error, deps.log.child({ "trace.id": trace.traceId }));
  const authenticate = body.status === 401 ? { "www-authenticate": "Bearer" } : {};
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { ...SAFE_HEADERS, ...deps.headers, ...authenticate, ...problemHeaders(error) },
  });
}

/** @throws AppError unauthenticated or forbidden */
function checkRule(rule: Rule, caller: Caller): void {
  if (rule.allow === "anyone") return;
  if (caller.kind === "anonymous") {
    throw new AppError("unauthenticated", "Send a token: Authorization: Bearer …");
  }
  if (rule.allow === "permission" && !holds(caller, rule.permission)) {
    throw new AppError("forbidden", `This needs the permission ${rule.permission}.`);
  }
}

function limitOf(route: Route, deps: RequestDeps): RateLimit | undefined {
  if (route.limit === undefined) return undefined;
  const { burst, perMinute } = route.limit;
  return createRateLimit(
    { burst, refillMs: 60_000 / perMinute, keysMax: LIMIT_KEYS_MAX },
    deps.clock,
  );
}

function takeToken(limit: RateLimit, caller: Caller): void {
  const waitMs = limit.take(
    caller.kind === "anonymous" ? caller.address : `${caller.kind}${caller.id}`,
  );
  if (waitMs > 0) throw new TooManyRequests(waitMs);
}

/** Made when a handler asks for it: most never do. */
function signalOf(context: ApiContext, deps: RequestDeps): AbortSignal {
  return AbortSignal.any([context.req.raw.signal, deps.stopping]);
}

const headerOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
