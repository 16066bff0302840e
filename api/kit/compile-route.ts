import type { IncomingMessage, ServerResponse } from "node:http";

import { AppError } from "#platform/errors.ts";
import { problemHeaders, problemOf } from "#platform/http/problem.ts";
import { TooManyRequests, createRateLimit, type RateLimit } from "#platform/http/rate-limit.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { sourceOf } from "#platform/source-of.ts";

import {
  type AnswerHeaders,
  answerHeaders,
  type Whole,
  flatHeaders,
  sendResponse,
  sendWhole,
  wholeAnswer,
} from "./answer.ts";
import type { RequestDeps } from "./app.ts";
import { type Caller, type Rule, holds, holdsSomewhere } from "./caller.ts";
import { once } from "./idempotency.ts";
import { type Input, type RawParams, readBodyText, readInput } from "./request-input.ts";
import { type AnswerSpec, type AnyAnswer, type Call, ReadyAnswer, type Route } from "./route.ts";
import { TraceLog } from "./trace-log.ts";
import { type Trace, traceOf } from "./trace.ts";

const LIMIT_KEYS_MAX = 50_000;
/** Whoever asks these acts on the answer: one that says "too many" would have a healthy process ended. */
const UNLIMITED = new Set(["/livez", "/readyz"]);

/** Answers one request; never throws. */
export type Handler = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  rawParams: RawParams,
) => void;

/** A request on its way. What it becomes known by and by is undefined before. */
export type Served = {
  route: Route;
  trace: Trace;
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  rawParams: RawParams;
  address: string;
  caller: Caller | undefined;
  /** Of the answer's body. */
  bytes: number | undefined;
};

/** What is the same for all requests of a route. */
type Compiled = {
  route: Route;
  deps: RequestDeps;
  headers: AnswerHeaders;
  limit: RateLimit | undefined;
  /** Answers of its handler that come again, as they are sent. */
  ready: WeakMap<ReadyAnswer, Whole>;
};

/** What is sent: JSON as text, or what a handler made itself. */
type Result = Whole | Response;

/**
 * One route as a handler: who, may they, what, do it, check the answer, send it, say what happened. What can be done at
 * once is: each wait costs, and what is asked for most (whose token is this, which settings count) waits for nothing.
 */
export function compileRoute(route: Route, deps: RequestDeps): Handler {
  const meter = deps.meter(route);
  const headers = answerHeaders(deps.headers);
  const compiled: Compiled = {
    route,
    deps,
    headers,
    limit: limitOf(route, deps),
    ready: new WeakMap(),
  };
  return (incoming, outgoing, rawParams) => {
    const startedMs = performance.now();
    meter.begin();
    const request: Served = {
      route,
      trace: traceOf(headerOf(incoming.headers["traceparent"])),
      incoming,
      outgoing,
      rawParams,
      address: deps.addressOf(incoming),
      caller: undefined,
      bytes: undefined,
    };
    const finish = (result: Result): void => {
      send(request, compiled, result);
      const tookMs = performance.now() - startedMs;
      meter.end(result.status, tookMs);
      deps.said(request, result.status, tookMs);
    };
    const fail = (error: unknown): void => finish(problem(error, compiled, request));
    let result: Result | Promise<Result>;
    try {
      result = answer(request, compiled);
    } catch (error) {
      fail(error);
      return;
    }
    if (result instanceof Promise) result.then(finish, fail);
    else finish(result);
  };
}

function send(request: Served, { deps, headers }: Compiled, result: Result): void {
  const { outgoing, trace } = request;
  // What still comes on this connection would meet a closed door.
  if (deps.stopping.aborted) outgoing.shouldKeepAlive = false;
  try {
    if (result instanceof Response) void sendResponse(outgoing, result, headers.plain);
    else {
      sendWhole(outgoing, result);
      request.bytes = result.bytes;
    }
  } catch (error) {
    deps.log.error("an answer cannot be sent", { error, "trace.id": trace.traceId });
    outgoing.destroy();
  }
}

function answer(request: Served, compiled: Compiled): Result | Promise<Result> {
  const { route, deps } = compiled;
  const token = route.ownCredentials === true ? undefined : request.incoming.headers.authorization;
  const asked = deps.callerOf(token, request.address);
  return asked instanceof Promise
    ? asked.then((caller) => answerTo(caller, request, compiled))
    : answerTo(asked, request, compiled);
}

function answerTo(caller: Caller, request: Served, compiled: Compiled): Result | Promise<Result> {
  const { route, deps, limit } = compiled;
  request.caller = caller;
  const who = caller.kind === "anonymous" ? sourceOf(caller.address) : `${caller.kind}${caller.id}`;
  if (!UNLIMITED.has(route.path)) takeToken(deps.limit, who);
  if (limit) takeToken(limit, who);
  checkRule(route.rule, caller);
  if (route.body === undefined && route.reads !== "replica") {
    const input = readInput(route, request.incoming, {
      bodyText: "",
      rawParams: request.rawParams,
    });
    return handle(request, compiled, { who, caller, input, read: deps.database });
  }
  return readThenHandle(request, compiled, { who, caller });
}

type Asking = { who: string; caller: Caller };

async function readThenHandle(
  request: Served,
  compiled: Compiled,
  { who, caller }: Asking,
): Promise<Result> {
  const { route, deps } = compiled;
  const { incoming, rawParams } = request;
  const bodyText = route.body === undefined ? "" : await readBodyText(route, incoming);
  const input = readInput(route, incoming, { bodyText, rawParams });
  const readAfter = headerOf(incoming.headers["read-after"]);
  const read =
    route.reads === "replica"
      ? await deps.database.reader(readAfter ?? deps.lastWrites.of(who))
      : deps.database;
  return handle(request, compiled, { who, caller, input, read });
}

function handle(
  request: Served,
  compiled: Compiled,
  { who, ...given }: Asking & { input: Input; read: Queryable },
): Result | Promise<Result> {
  const call = new RequestCall(request, compiled.deps, given);
  // The handler gets what its own schemas gave: `route()` has tied the two together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const answered = compiled.route.handle(call as unknown as Call<never, never, never, never>);
  return answered instanceof Promise
    ? answered.then((result) => resultOf(result, compiled, { who, call }))
    : resultOf(answered, compiled, { who, call });
}

function resultOf(
  result: AnyAnswer | ReadyAnswer | Response,
  compiled: Compiled,
  { who, call }: { who: string; call: RequestCall },
): Result | Promise<Result> {
  if (result instanceof ReadyAnswer) return readyOf(compiled, result);
  if (result instanceof Response) return result;
  return call.wrote() ? afterWrite(result, compiled, who) : jsonOf(compiled, result);
}

/** The answer says where the write stands in the primary's log: reads that send it on see the write. */
async function afterWrite(result: AnyAnswer, compiled: Compiled, who: string): Promise<Result> {
  const { database, lastWrites } = compiled.deps;
  const lsn = await database.lastWrite();
  if (lsn === undefined) return jsonOf(compiled, result);
  lastWrites.remember(who, lsn);
  return jsonOf(compiled, { ...result, headers: { "read-after": lsn, ...result.headers } });
}

/** What a handler is given (`Call`): a class, since one is made for each request and most of it is never looked at. */
class RequestCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly ifMatch: number | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly caller: Caller;
  readonly incoming: IncomingMessage;
  readonly nowMs: number;
  readonly traceId: string;
  readonly log: TraceLog;
  readonly database: RequestDeps["database"];
  readonly read: Queryable;
  readonly write: <Answer extends AnyAnswer>(
    work: (tx: Queryable) => Promise<Answer>,
  ) => Promise<Answer>;
  readonly #outgoing: ServerResponse;
  readonly #stopping: AbortSignal;
  #wrote = false;

  constructor(
    { route, trace, incoming, outgoing }: Served,
    deps: RequestDeps,
    { caller, input, read }: { caller: Caller; input: Input; read: Queryable },
  ) {
    this.params = input.params;
    this.query = input.query;
    this.body = input.body;
    this.ifMatch = input.ifMatch;
    this.ifNoneMatch = incoming.headers["if-none-match"];
    this.caller = caller;
    this.incoming = incoming;
    this.nowMs = deps.clock.nowMs();
    this.traceId = trace.traceId;
    this.log = new TraceLog(deps.log, trace.traceId);
    this.database = deps.database;
    this.read = read;
    this.#outgoing = outgoing;
    this.#stopping = deps.stopping;
    this.write = async (work) => {
      const done = await write({ route, caller }, input, { deps, work });
      this.#wrote = true;
      return done;
    };
  }

  wrote(): boolean {
    return this.#wrote;
  }

  get signal(): AbortSignal {
    const gone = new AbortController();
    if (this.#outgoing.closed) gone.abort();
    else this.#outgoing.once("close", () => gone.abort());
    return AbortSignal.any([gone.signal, this.#stopping]);
  }
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

function jsonOf({ route, headers }: Compiled, { status, body, headers: own }: AnyAnswer): Whole {
  const spec = specOf(route, status);
  if (spec.body === undefined) {
    return wholeAnswer(status, "", own ? flatHeaders(headers.plain, own) : headers.plainFlat);
  }
  const flat = own ? flatHeaders(headers.json, own) : headers.jsonFlat;
  return wholeAnswer(status, JSON.stringify(spec.body.parse(body)), flat);
}

function readyOf({ route, headers, ready }: Compiled, answered: ReadyAnswer): Whole {
  const known = ready.get(answered);
  if (known !== undefined) return known;
  const { status, text } = answered;
  specOf(route, status);
  const whole = wholeAnswer(status, text, flatHeaders(headers.json, answered.headers));
  ready.set(answered, whole);
  return whole;
}

function specOf({ operationId, answers }: Route, status: number): AnswerSpec {
  const spec = answers[status];
  if (spec) return spec;
  throw new Error(`${operationId} answered ${status}, which it does not list`);
}

function problem(error: unknown, { deps, headers }: Compiled, { trace }: Served): Whole {
  const body = problemOf(error, new TraceLog(deps.log, trace.traceId));
  const own = {
    "trace-id": trace.traceId,
    ...(body.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...problemHeaders(error),
  };
  return wholeAnswer(body.status, JSON.stringify(body), flatHeaders(headers.plain, own));
}

/** @throws AppError unauthenticated or forbidden */
function checkRule(rule: Rule, caller: Caller): void {
  if (rule.allow === "anyone") return;
  if (caller.kind === "anonymous") {
    throw new AppError("unauthenticated", "Send a token: Authorization: Bearer …");
  }
  if (rule.allow !== "permission") return;
  const may = rule.scoped === true ? holdsSomewhere : holds;
  if (!may(caller, rule.permission)) {
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

function takeToken(limit: RateLimit, who: string): void {
  const waitMs = limit.take(who);
  if (waitMs > 0) throw new TooManyRequests(waitMs);
}

const headerOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
