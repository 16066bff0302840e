import type { IncomingMessage, ServerResponse } from "node:http";

import type { Queryable } from "../postgres/database.ts";
import { sourceOf } from "../source-of.ts";
import type { BaseCaller, BaseRule } from "./access-control.ts";
import { bodyBudget } from "./body-budget.ts";
import { compressed } from "./compress.ts";
import { readInput } from "./input-cache.ts";
import type { ListenerDeps, RequestState } from "./listener-deps.ts";
import { problemHeaders, problemOf } from "./problem.ts";
import { readBodyText } from "./read-body.ts";
import { RequestCall } from "./request-call.ts";
import type { Input, RawParams } from "./request-input.ts";
import {
  type ResponseHeaders,
  type WholeResponse,
  flatHeaders,
  responseHeaders,
  sendResponse,
  sendWhole,
  wholeResponse,
} from "./response.ts";
import { RouteLimits } from "./route-limits.ts";
import {
  type ResponseSpec,
  type AnyResponse,
  type Call,
  PrebuiltResponse,
  type Route as RouteOf,
  TextResponse,
} from "./route.ts";
import { TraceLog } from "./trace-log.ts";
import { traceOf } from "./trace.ts";

type Route = RouteOf<BaseRule>;
type AnyCall = Call<never, never, never, never, never>;

/** Serves one request; never throws. */
export type Handler = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  rawParams: RawParams,
) => void;

/** Shared by all requests of a route. */
type Compiled = {
  route: Route;
  deps: ListenerDeps;
  headers: ResponseHeaders;
  limits: RouteLimits;
  /** Prebuilt responses of its handler, with their headers. */
  prebuilt: WeakMap<PrebuiltResponse, WholeResponse>;
};

type Result = WholeResponse | Response;

/**
 * One route as a handler: authenticate, count, authorise, parse, handle, check the response, send it, log it. Each step
 * calls the next one, synchronously where nothing has to be waited for: every await costs, and the most frequent
 * requests (a token check, settings) need none.
 */
export function compileRoute(route: Route, deps: ListenerDeps): Handler {
  const meter = deps.meter(route);
  const isCompressed = route.compress === true;
  const compiled: Compiled = {
    route,
    deps,
    headers: responseHeaders(deps.headers),
    limits: new RouteLimits(route, deps),
    prebuilt: new WeakMap(),
  };
  return (incoming, outgoing, rawParams) => {
    const startedMs = performance.now();
    meter.begin();
    const request: RequestState = {
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
      if (bodyBudget.holds(incoming)) releaseBody(incoming, outgoing);
      const tookMs = performance.now() - startedMs;
      meter.end(result.status, tookMs);
      deps.writeAccessLine(request, result.status, tookMs);
    };
    const fail = (error: unknown): void => finish(toProblem(error, compiled, request));
    let result: Result | Promise<Result>;
    try {
      result = authenticate(request, compiled);
      if (isCompressed) result = compressed(incoming, result);
    } catch (error) {
      fail(error);
      return;
    }
    if (result instanceof Promise) result.then(finish, fail);
    else finish(result);
  };
}

/** The response, which may be as large as the body, is in memory until the client has read it. */
function releaseBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (outgoing.closed) bodyBudget.release(incoming);
  else outgoing.once("close", () => bodyBudget.release(incoming));
}

function send(request: RequestState, { deps, headers }: Compiled, result: Result): void {
  const { outgoing, trace } = request;
  // Further requests on this connection could not be served.
  if (deps.stopping.aborted) outgoing.shouldKeepAlive = false;
  try {
    if (result instanceof Response) void sendResponse(outgoing, result, headers.plain);
    else {
      sendWhole(outgoing, result);
      request.bytes = result.bytes;
    }
  } catch (error) {
    deps.log.error("a response cannot be sent", { error, "trace.id": trace.traceId });
    outgoing.destroy();
  }
}

function authenticate(request: RequestState, compiled: Compiled): Result | Promise<Result> {
  const { route, deps } = compiled;
  let caller: BaseCaller | Promise<BaseCaller>;
  try {
    caller = deps.access.authenticate(request.incoming, request.address, route);
  } catch (error) {
    return refuseInvalid(error, request, compiled);
  }
  if (!(caller instanceof Promise)) return authorise(caller, request, compiled);
  return caller.then(
    (it) => authorise(it, request, compiled),
    (error: unknown) => refuseInvalid(error, request, compiled),
  );
}

/** Requests with invalid credentials are rate-limited by address. */
function refuseInvalid(error: unknown, { address }: RequestState, { limits }: Compiled): never {
  limits.countInvalid(sourceOf(address));
  throw error;
}

function authorise(
  caller: BaseCaller,
  request: RequestState,
  compiled: Compiled,
): Result | Promise<Result> {
  const { route, deps, limits } = compiled;
  request.caller = caller;
  const key = caller.kind === "anonymous" ? sourceOf(caller.address) : `${caller.kind}${caller.id}`;
  limits.count(key);
  deps.access.authorise(route.rule, caller);
  if (route.body === undefined && route.reads !== "replica") {
    const input = readInput(route, request.incoming, {
      bodyText: "",
      rawParams: request.rawParams,
    });
    return callHandler(request, compiled, { key, caller, input, read: deps.database });
  }
  return readThenCallHandler(request, compiled, { key, caller });
}

/** `key`: the caller in rate limits and in the record of last writes. */
type Identified = { key: string; caller: BaseCaller };

async function readThenCallHandler(
  request: RequestState,
  compiled: Compiled,
  { key, caller }: Identified,
): Promise<Result> {
  const { route, deps } = compiled;
  const { incoming, rawParams } = request;
  const bodyText = route.body === undefined ? "" : await readBodyText(route, incoming);
  const input = readInput(route, incoming, { bodyText, rawParams });
  const readAfter = headerOf(incoming.headers["read-after"]);
  const read =
    route.reads === "replica"
      ? await deps.database.reader(readAfter ?? deps.lastWrites.of(key))
      : deps.database;
  return callHandler(request, compiled, { key, caller, input, read });
}

function callHandler(
  request: RequestState,
  compiled: Compiled,
  { key, ...given }: Identified & { input: Input; read: Queryable },
): Result | Promise<Result> {
  const call = new RequestCall(request, compiled.deps, given);
  // The handler gets what its own schemas and its program's access control gave: `RouteSpec` ties them together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const result = compiled.route.handle(call as unknown as AnyCall);
  return result instanceof Promise
    ? result.then((it) => toResponse(it, compiled, { key, call }))
    : toResponse(result, compiled, { key, call });
}

function toResponse(
  result: AnyResponse | PrebuiltResponse | TextResponse | Response,
  compiled: Compiled,
  { key, call }: { key: string; call: RequestCall },
): Result | Promise<Result> {
  if (result instanceof PrebuiltResponse) return toPrebuiltResponse(compiled, result);
  if (result instanceof Response) return result;
  if (result instanceof TextResponse) {
    const { status, text, headers } = result;
    return wholeResponse(status, text, flatHeaders(compiled.headers.plain, headers));
  }
  return call.wrote() ? afterWrite(result, compiled, key) : toJsonResponse(compiled, result);
}

/** The response has the position of the write in the write-ahead log: reads that send it back see the write. */
async function afterWrite(result: AnyResponse, compiled: Compiled, key: string): Promise<Result> {
  const { database, lastWrites } = compiled.deps;
  const lsn = await database.lastWrite();
  if (lsn === undefined) return toJsonResponse(compiled, result);
  lastWrites.remember(key, lsn);
  return toJsonResponse(compiled, { ...result, headers: { "read-after": lsn, ...result.headers } });
}

function toJsonResponse(
  { route, headers }: Compiled,
  { status, body, headers: own }: AnyResponse,
): WholeResponse {
  const spec = specOf(route, status);
  if (spec.body === undefined) {
    return wholeResponse(status, "", own ? flatHeaders(headers.plain, own) : headers.plainFlat);
  }
  const flat = own ? flatHeaders(headers.json, own) : headers.jsonFlat;
  return wholeResponse(status, JSON.stringify(spec.body.parse(body)), flat);
}

function toPrebuiltResponse(
  { route, headers, prebuilt }: Compiled,
  response: PrebuiltResponse,
): WholeResponse {
  const known = prebuilt.get(response);
  if (known !== undefined) return known;
  const { status, text } = response;
  specOf(route, status);
  const whole = wholeResponse(status, text, flatHeaders(headers.json, response.headers));
  prebuilt.set(response, whole);
  return whole;
}

function specOf({ operationId, responses }: Route, status: number): ResponseSpec {
  const spec = responses[status];
  if (spec) return spec;
  throw new Error(`${operationId} responded ${status}, which it does not list`);
}

function toProblem(
  error: unknown,
  { route, deps, headers }: Compiled,
  { trace, incoming }: RequestState,
): Result {
  const body = problemOf(error, new TraceLog(deps.log, trace.traceId));
  const { challenge } = deps.access;
  const own = {
    "trace-id": trace.traceId,
    ...(body.status === 401 && challenge !== undefined ? { "www-authenticate": challenge } : {}),
    ...problemHeaders(error),
  };
  const refusal = route.refusal?.(body, incoming);
  if (refusal) {
    const { status } = body;
    return new Response(refusal.bytes, {
      status,
      headers: { ...own, "content-type": refusal.media },
    });
  }
  return wholeResponse(body.status, JSON.stringify(body), flatHeaders(headers.plain, own));
}

const headerOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
