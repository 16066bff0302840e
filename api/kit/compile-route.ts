import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

import { AppError } from "#platform/errors.ts";
import { problemHeaders, problemOf } from "#platform/http/problem.ts";
import { TooManyRequests, createRateLimit, type RateLimit } from "#platform/http/rate-limit.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type AnswerHeaders, answerHeaders, withHeaders, withOwn } from "./answer-headers.ts";
import type { RequestDeps } from "./app.ts";
import { type Caller, type Rule, holds } from "./caller.ts";
import { once } from "./idempotency.ts";
import { type Input, readInput } from "./request-input.ts";
import type { AnyAnswer, Call, Route } from "./route.ts";
import { TraceLog } from "./trace-log.ts";
import { type Trace, traceOf } from "./trace.ts";

export type ApiContext = Context<{ Bindings: HttpBindings }>;
const LIMIT_KEYS_MAX = 50_000;

/** What is the same for all requests of a route. */
type Compiled = { route: Route; deps: RequestDeps; headers: AnswerHeaders };

/** One route as a Hono handler: who, may they, what, do it, check the answer, say what happened. */
export function compileRoute(
  route: Route,
  deps: RequestDeps,
): (context: ApiContext) => Promise<Response> {
  const limit = limitOf(route, deps);
  const meter = deps.meter(route);
  const compiled: Compiled = { route, deps, headers: answerHeaders(deps.headers) };
  return async (context) => {
    const startedMs = performance.now();
    meter.begin();
    const { incoming, outgoing } = context.env;
    const request: Served = {
      route,
      trace: traceOf(headerOf(incoming.headers["traceparent"])),
      incoming,
      address: deps.addressOf(incoming),
      caller: undefined,
      bytes: undefined,
    };
    let response: Response;
    try {
      const caller = await deps.callerOf(incoming.headers.authorization, request.address);
      request.caller = caller;
      takeToken(deps.limit, caller);
      if (limit) takeToken(limit, caller);
      checkRule(route.rule, caller);
      response = await answer(request, context, compiled);
    } catch (error) {
      response = problem(error, deps, request);
    }
    // What still comes on this connection would meet a closed door.
    if (deps.stopping.aborted && "shouldKeepAlive" in outgoing) outgoing.shouldKeepAlive = false;
    const tookMs = performance.now() - startedMs;
    meter.end(response.status, tookMs);
    deps.said(request, response.status, tookMs);
    return response;
  };
}

/** A request on its way; the caller is known once the token was checked, the bytes once there is a body. */
export type Served = {
  route: Route;
  trace: Trace;
  incoming: HttpBindings["incoming"];
  address: string;
  caller: Caller | undefined;
  bytes: number | undefined;
};

async function answer(request: Served, context: ApiContext, compiled: Compiled): Promise<Response> {
  const { route, deps } = compiled;
  const { caller, trace, incoming } = request;
  if (caller === undefined) throw new Error("the caller comes first");
  const rawParams = route.params === undefined ? {} : context.req.param();
  const input = await readInput(route, incoming, rawParams);
  const who = `${caller.kind}${caller.id}`;
  const readAfter = (): string | undefined =>
    headerOf(incoming.headers["read-after"]) ?? deps.lastWrites.of(who);
  let wrote = false;
  const call = {
    ...input,
    caller,
    incoming,
    nowMs: deps.clock.nowMs(),
    traceId: trace.traceId,
    log: new TraceLog(deps.log, trace.traceId),
    database: deps.database,
    read: route.reads === "replica" ? await deps.database.reader(readAfter()) : deps.database,
    ifNoneMatch: incoming.headers["if-none-match"],
    // Made when a handler asks for it: most never do.
    get signal() {
      return AbortSignal.any([context.req.raw.signal, deps.stopping]);
    },
    write: async <Answer extends AnyAnswer>(work: (tx: Queryable) => Promise<Answer>) => {
      const done = await write({ route, caller }, input, { deps, work });
      wrote = true;
      return done;
    },
  };
  // The handler gets what its own schemas gave: `route()` has tied the two together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const result = await route.handle(call as unknown as Call<never, never, never, never>);
  if (result instanceof Response) return withHeaders(result, compiled.headers);
  const lsn = wrote ? await deps.database.lastWrite() : undefined;
  if (lsn === undefined) return jsonResponse(compiled, result, request);
  deps.lastWrites.remember(who, lsn);
  const headers = { "read-after": lsn, ...result.headers };
  return jsonResponse(compiled, { ...result, headers }, request);
}

async function write<Answer extends AnyAnswer>(
  { route, caller }: { route: Route; caller: Caller },
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
  { route, headers }: Compiled,
  { status, body, headers: own }: AnyAnswer,
  request: Served,
): Response {
  const spec = route.answers[status];
  if (spec === undefined)
    throw new Error(`${route.operationId} answered ${status}, which it does not list`);
  if (spec.body === undefined) {
    return new Response(null, { status, headers: withOwn(headers.plain, own) });
  }
  const text = JSON.stringify(spec.body.parse(body));
  request.bytes = Buffer.byteLength(text);
  return new Response(text, { status, headers: withOwn(headers.json, own) });
}

function problem(error: unknown, deps: RequestDeps, request: Served): Response {
  const { traceId } = request.trace;
  const body = problemOf(error, new TraceLog(deps.log, traceId));
  const authenticate = body.status === 401 ? { "www-authenticate": "Bearer" } : {};
  const text = JSON.stringify(body);
  request.bytes = Buffer.byteLength(text);
  return new Response(text, {
    status: body.status,
    headers: {
      ...answerHeaders(deps.headers).plain,
      "trace-id": traceId,
      ...authenticate,
      ...problemHeaders(error),
    },
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

const headerOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
