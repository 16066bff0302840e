import type { IncomingMessage, ServerResponse } from "node:http";

import type { Queryable } from "../postgres/database.ts";
import { sourceOf } from "../source-of.ts";
import { type Gate, admit, count, gateOf } from "./admit.ts";
import {
  type AnswerHeaders,
  answerHeaders,
  type Whole,
  flatHeaders,
  sendResponse,
  sendWhole,
  wholeAnswer,
} from "./answer.ts";
import type { Caller } from "./caller.ts";
import type { ListenerDeps } from "./listener.ts";
import { problemHeaders, problemOf } from "./problem.ts";
import { RequestCall } from "./request-call.ts";
import { type Input, type RawParams, readBodyText, readInput } from "./request-input.ts";
import {
  type AnswerSpec,
  type AnyAnswer,
  type Call,
  PrebuiltResponse,
  type Route,
} from "./route.ts";
import { TraceLog } from "./trace-log.ts";
import { type Trace, traceOf } from "./trace.ts";

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
  deps: ListenerDeps;
  headers: AnswerHeaders;
  gate: Gate;
  /** Answers of its handler that come again, as they are sent. */
  ready: WeakMap<PrebuiltResponse, Whole>;
};

/** What is sent: JSON as text, or what a handler made itself. */
type Result = Whole | Response;

/**
 * One route as a handler: who, may they, what, do it, check the answer, send it, say what happened. What can be done at
 * once is: each wait costs, and what is asked for most (whose token is this, which settings count) waits for nothing.
 */
export function compileRoute(route: Route, deps: ListenerDeps): Handler {
  const meter = deps.meter(route);
  const headers = answerHeaders(deps.headers);
  const compiled: Compiled = {
    route,
    deps,
    headers,
    gate: gateOf(route, deps),
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
      deps.writeAccessLine(request, result.status, tookMs);
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
  let asked: Caller | Promise<Caller>;
  try {
    asked = deps.callerOf(token, request.address);
  } catch (error) {
    return refuseUnknown(error, request, compiled);
  }
  if (!(asked instanceof Promise)) return answerTo(asked, request, compiled);
  return asked.then(
    (caller) => answerTo(caller, request, compiled),
    (error: unknown) => refuseUnknown(error, request, compiled),
  );
}

/** Who tries tokens is nobody, and is counted as that. */
function refuseUnknown(error: unknown, { address }: Served, { gate }: Compiled): never {
  count(gate, sourceOf(address));
  throw error;
}

function answerTo(caller: Caller, request: Served, compiled: Compiled): Result | Promise<Result> {
  const { route, deps, gate } = compiled;
  request.caller = caller;
  const who = caller.kind === "anonymous" ? sourceOf(caller.address) : `${caller.kind}${caller.id}`;
  admit(gate, caller, who);
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
  result: AnyAnswer | PrebuiltResponse | Response,
  compiled: Compiled,
  { who, call }: { who: string; call: RequestCall },
): Result | Promise<Result> {
  if (result instanceof PrebuiltResponse) return readyOf(compiled, result);
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

function jsonOf({ route, headers }: Compiled, { status, body, headers: own }: AnyAnswer): Whole {
  const spec = specOf(route, status);
  if (spec.body === undefined) {
    return wholeAnswer(status, "", own ? flatHeaders(headers.plain, own) : headers.plainFlat);
  }
  const flat = own ? flatHeaders(headers.json, own) : headers.jsonFlat;
  return wholeAnswer(status, JSON.stringify(spec.body.parse(body)), flat);
}

function readyOf({ route, headers, ready }: Compiled, answered: PrebuiltResponse): Whole {
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

function problem(
  error: unknown,
  { route, deps, headers }: Compiled,
  { trace, incoming }: Served,
): Result {
  const body = problemOf(error, new TraceLog(deps.log, trace.traceId));
  const own = {
    "trace-id": trace.traceId,
    ...(body.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...problemHeaders(error),
  };
  const refusal = route.refusal?.(body, incoming);
  if (refusal) {
    const { status } = body;
    const told = { ...own, "content-type": refusal.media };
    return new Response(refusal.bytes, { status, headers: told });
  }
  return wholeAnswer(body.status, JSON.stringify(body), flatHeaders(headers.plain, own));
}

const headerOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
