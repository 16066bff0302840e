import type { IncomingMessage } from "node:http";

import type { z } from "zod";

import type { Log } from "../log.ts";
import type { Database, Queryable } from "../postgres/database.ts";
import type { Caller, Rule } from "./caller.ts";
import type { ProblemBody } from "./problem.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One possible answer: JSON by a schema, and other media types that the handler makes itself as a Response. */
export type AnswerSpec = {
  description: string;
  body?: z.ZodType;
  media?: string | readonly string[];
};
export type AnswerSpecs = Readonly<Record<number, AnswerSpec>>;

/** An answer that was made once, to be given again and again: its JSON is what the schema says, and not checked again. */
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

/** What a handler may return: a status that is listed, with the body that is listed for it. */
type AnswerOf<Answers extends AnswerSpecs> = {
  [Status in keyof Answers & number]: Answers[Status] extends { body: infer Body extends z.ZodType }
    ? { status: Status; headers?: Record<string, string>; body: z.input<Body> }
    : { status: Status; headers?: Record<string, string>; body?: undefined };
}[keyof Answers & number];

export type AnyAnswer = { status: number; headers?: Record<string, string>; body?: unknown };

/** What a handler gets: everything parsed, nothing to be checked again but what only the data can tell. */
export type Call<Params, Query, Body, Answer> = {
  params: Params;
  query: Query;
  body: Body;
  caller: Caller;
  /** The clock of the service, epoch ms. */
  nowMs: number;
  /** W3C trace id, 32 hex digits. */
  traceId: string;
  log: Log;
  /** The primary. */
  database: Database;
  /** For reads: a replica that has what this caller wrote, on routes with `reads: "replica"`; else the primary. */
  read: Queryable;
  /**
   * Runs `work` in one transaction on the primary, together with the Idempotency-Key of the request: the first request
   * with a key does the work and keeps the answer, the next ones get that answer, and `work` is not run. Call it at most
   * once; what it must not do is wait for anything but the database.
   */
  write(work: (tx: Queryable) => Promise<Answer>): Promise<Answer>;
  /** The version named by If-Match (`"3"`), or undefined where it is `*` or absent (absent only where optional). */
  ifMatch: number | undefined;
  ifNoneMatch: string | undefined;
  /** The raw request, for bodies that are no JSON (`body: undefined` in the spec) and for odd headers. */
  incoming: IncomingMessage;
  /** Ends when the client goes away, its token runs out or the service stops: streams must stop then. */
  signal: AbortSignal;
};

/** The body of a refusal, and its media type. */
type Refusal = { media: string; bytes: Uint8Array<ArrayBuffer> };

export type RouteSpec<Params, Query, Body, Answers extends AnswerSpecs> = {
  method: Method;
  /** With parameters in braces: `/v1/invoices/{invoiceId}`. */
  path: string;
  /** Unique in the service, camelCase: `payInvoice`. */
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  rule: Rule;
  params?: z.ZodType<Params>;
  /** A strict object of strings (see `schema.ts` for numbers): an unknown parameter is refused. */
  query?: z.ZodType<Query>;
  /** JSON body. */
  body?: z.ZodType<Body>;
  /** For bodies that are no JSON: the media types that the handler reads from `incoming` itself. */
  consumes?: readonly string[];
  bodyBytesMax?: number;
  /**
   * The handler looks at the Authorization header itself, and for the kit nobody is signed in: OAuth's endpoints, which
   * take the secrets of clients (Basic) and tokens that are meant for other products.
   */
  ownCredentials?: true;
  /** Whether the request takes (or must have) an Idempotency-Key. The handler must use `call.write`. */
  idempotency?: "optional" | "required";
  /** Whether the request takes (or must have) If-Match with the ETag of what it changes. */
  ifMatch?: "optional" | "required";
  /** Reads that may be a moment old: they go to a replica where there is one. */
  reads?: "replica";
  /** A limit of its own beside the general one, for one caller (or address, where nobody is signed in). */
  limit?: { burst: number; perMinute: number };
  /** A refusal as a protocol has it that knows no problem+json; undefined: this request is told as all others are. */
  refusal?(problem: ProblemBody, incoming: IncomingMessage): Refusal | undefined;
  answers: Answers;
  handle(
    call: Call<Params, Query, Body, AnswerOf<NoInfer<Answers>>>,
  ): Answered<AnswerOf<NoInfer<Answers>>>;
};

/** At once, from a handler that has nothing to wait for, or later. */
type Answered<Answer> = AnyOf<Answer> | Promise<AnyOf<Answer>>;
type AnyOf<Answer> = Answer | PrebuiltResponse | Response;

/** A route whose types are forgotten: what the kit compiles, documents and fuzzes. */
export type Route = Omit<RouteSpec<unknown, unknown, unknown, AnswerSpecs>, "handle"> & {
  handle(call: Call<never, never, never, never>): Answered<AnyAnswer>;
};

/** Writes down one route; the types of parameters, query, body and answers follow from their schemas. */
export function route<Params, Query, Body, const Answers extends AnswerSpecs>(
  spec: RouteSpec<Params, Query, Body, Answers>,
): Route {
  return spec;
}
