import type { IncomingMessage } from "node:http";

import type { z } from "zod";

import type { Log } from "../log.ts";
import type { Database, Queryable } from "../postgres/database.ts";
import type { BaseCaller, BaseRule, OpenRule } from "./access-control.ts";
import type { Caller, Rule } from "./caller.ts";
import type { ProblemBody } from "./problem.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A possible answer: JSON with a schema, or other media types that the handler returns as a Response. */
export type ResponseSpec = {
  description: string;
  body?: z.ZodType;
  media?: string | readonly string[];
};
export type ResponseSpecs = Readonly<Record<number, ResponseSpec>>;

/** A response that a handler caches and returns many times: its JSON matches the schema and is not checked again. */
export class PrebuiltResponse {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string>;

  constructor(status: number, text: string, headers: Record<string, string> = {}) {
    this.status = status;
    this.text = text;
    this.headers = headers;
  }
}

/** A response whose text is complete: sending it takes a tenth of the time of a `Response`, which is a stream. */
export class TextResponse {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string>;

  /** `headers` override those of all responses. */
  constructor(status: number, text: string, headers: Record<string, string>) {
    this.status = status;
    this.text = text;
    this.headers = headers;
  }
}

/** The possible return values of a handler: a declared status with its body. */
type ResponseOf<Responses extends ResponseSpecs> = {
  [Status in keyof Responses & number]: Responses[Status] extends {
    body: infer Body extends z.ZodType;
  }
    ? { status: Status; headers?: Record<string, string>; body: z.input<Body> }
    : { status: Status; headers?: Record<string, string>; body?: undefined };
}[keyof Responses & number];

export type AnyResponse = { status: number; headers?: Record<string, string>; body?: unknown };

/** The input of a handler, already parsed: it only has to check what depends on stored data. */
export type Call<Params, Query, Body, Result, C = Caller> = {
  params: Params;
  query: Query;
  body: Body;
  /** The JSON body as it was sent; empty for bodies that the handler reads itself. */
  bodyText: string;
  caller: C;
  /** Time of the request, epoch ms. */
  nowMs: number;
  /** W3C trace id, 32 hex digits. */
  traceId: string;
  log: Log;
  /** The primary, for reads and writes. */
  database: Database;
  /** For reads: on routes with `reads: "replica"`, a replica that has the caller's own writes; else the primary. */
  read: Queryable;
  /**
   * Runs `work` in one transaction on the primary, with the Idempotency-Key of the request: the first request
   * with a key runs `work` and stores the response; later ones get that response without running `work`. Call it at most
   * once; `work` may only wait for the database.
   */
  write(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  /** Of routes with `idempotency`. */
  idempotencyKey: string | undefined;
  /** The version in If-Match (`"3"`); undefined if it is `*` or absent (which is possible only if it is optional). */
  ifMatch: number | undefined;
  ifNoneMatch: string | undefined;
  /** The raw request, for bodies other than JSON (`consumes` in the spec) and headers that the kit does not parse. */
  incoming: IncomingMessage;
  /** For reads that may take long. Aborts when the client disconnects, and two seconds after the program began to stop. */
  readSignal: AbortSignal;
  /** Aborts when the client disconnects, its credentials expire or the program stops: streams must stop then. */
  signal: AbortSignal;
};

/** The body of a rejection, and its media type. */
type Refusal = { media: string; bytes: Uint8Array<ArrayBuffer> };

/** `R` and `C` are the rules and callers of the program (`AccessControl`); by default those of the domain APIs. */
// oxlint-disable-next-line max-type-params
export type RouteSpec<
  Params,
  Query,
  Body,
  Responses extends ResponseSpecs,
  R = Rule,
  C = Caller,
> = {
  method: Method;
  /** With parameters in braces: `/v1/invoices/{invoiceId}`. */
  path: string;
  /** Unique in the program, camelCase: `payInvoice`. */
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  rule: R;
  params?: z.ZodType<Params>;
  /** A strict object of strings (see `schema.ts` for numbers): unknown parameters are rejected. */
  query?: z.ZodType<Query>;
  /** JSON body. */
  body?: z.ZodType<Body>;
  /** Media types of bodies that the handler itself reads from `incoming`. */
  consumes?: readonly string[];
  bodyBytesMax?: number;
  /**
   * The handler reads the Authorization header itself, and the kit treats the caller as anonymous: OAuth's endpoints
   * accept client secrets (Basic) and tokens issued for other products.
   */
  ownCredentials?: true;
  /**
   * Whether an Idempotency-Key is accepted or required. The handler must use `call.write`, or pass `call.idempotencyKey` on to
   * another program that executes requests with the same key once.
   */
  idempotency?: "optional" | "required";
  /** Whether If-Match with the ETag of the resource is accepted or required. */
  ifMatch?: "optional" | "required";
  /** Reads that may be slightly stale go to a replica if there is one. */
  reads?: "replica";
  /**
   * Compresses the response. Not for bodies with a secret, such as a token, beside text that the response repeats from the
   * request: its length would reveal the secret (BREACH).
   */
  compress?: true;
  /** A rate limit in addition to the general one, per caller (per address for anonymous callers). */
  limit?: { burst: number; perMinute: number };
  /** Formats rejections as in another protocol. Default: problem+json. */
  refusal?(problem: ProblemBody, incoming: IncomingMessage): Refusal | undefined;
  responses: Responses;
  handle(
    call: Call<Params, Query, Body, ResponseOf<NoInfer<Responses>>, C>,
  ): HandlerResult<ResponseOf<NoInfer<Responses>>>;
};

/** Synchronous if the handler does not have to wait. */
type HandlerResult<Result> = AnyOf<Result> | Promise<AnyOf<Result>>;
type AnyOf<Result> = Result | PrebuiltResponse | TextResponse | Response;

/** A route without the types of its parts, as the kit compiles, documents and tests it. */
export type Route<R extends BaseRule = Rule> = Omit<
  RouteSpec<unknown, unknown, unknown, ResponseSpecs, R, never>,
  "handle"
> & {
  handle(call: Call<never, never, never, never, never>): HandlerResult<AnyResponse>;
};

/** Declares a route that anyone may call, for any program. */
export function openRoute<Params, Query, Body, const Responses extends ResponseSpecs>(
  spec: RouteSpec<Params, Query, Body, Responses, OpenRule, BaseCaller>,
): Route<OpenRule> {
  return spec;
}

/** Declares a route of a domain API; the types of parameters, query, body and responses follow from their schemas. */
export function route<Params, Query, Body, const Responses extends ResponseSpecs>(
  spec: RouteSpec<Params, Query, Body, Responses>,
): Route {
  return spec;
}
