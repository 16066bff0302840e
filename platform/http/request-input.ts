import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError, type FieldError } from "../errors.ts";
import type { BaseRule } from "./access-control.ts";
import { parseIfMatch } from "./etag.ts";
import type { Route as RouteOf } from "./route.ts";

type Route = RouteOf<BaseRule>;

const BODY_BYTES_MAX = 256 * 1024;
/** A valid Idempotency-Key. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;
/** JSON escapes of what PostgreSQL text cannot store: NUL and unpaired surrogates. */
const ODD_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

export type Input = {
  params: unknown;
  query: unknown;
  body: unknown;
  /** The unparsed body; empty for bodies that the handler reads itself. */
  bodyText: string;
  idempotencyKey: string | undefined;
  ifMatch: number | undefined;
};

/** The unparsed parameters of the path, extracted on demand. */
export type RawParams = () => Readonly<Record<string, string>>;

/**
 * The input of a request, parsed by the route's schemas.
 * @throws AppError bad_request (400) that names each invalid field with its place: `query.limit`, `body.email`
 */
export function readInput(
  route: Route,
  incoming: IncomingMessage,
  { bodyText, rawParams }: { bodyText: string; rawParams: RawParams },
): Input {
  if (isBare(route) && !(incoming.url ?? "").includes("?")) return NOTHING;
  const url = urlAlone(route, incoming);
  if (url === undefined) return parseInput(route, incoming, { bodyText, rawParams });
  const known = READ.get(route)?.get(url);
  if (known) return known;
  const input = parseInput(route, incoming, { bodyText, rawParams });
  remember(route, url, input);
  return input;
}

function parseInput(
  route: Route,
  incoming: IncomingMessage,
  { bodyText, rawParams }: { bodyText: string; rawParams: RawParams },
): Input {
  const headers = readHeaders(route, incoming);
  const mistakes: FieldError[] = [];
  const parse = (schema: z.ZodType | undefined, where: string, value: () => unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(value());
    if (result.success) return result.data;
    mistakes.push(...result.error.issues.map((issue) => fieldError(where, issue)));
    return undefined;
  };
  const params = parse(route.params, "path", () =>
    // Node refuses NUL and invalid UTF-8 in a path, so only escapes can hold them.
    incoming.url?.includes("%") ? checkedStrings(rawParams()) : rawParams(),
  );
  const asked = route.query !== undefined || (incoming.url ?? "").includes("?");
  const query = asked
    ? parse(route.query ?? NO_QUERY, "query", () => queryOf(incoming.url ?? ""))
    : {};
  const body = parse(route.body, "body", () => parseJson(bodyText));
  if (mistakes.length > 0) throw invalid(mistakes);
  return { params, query, body, bodyText, ...headers };
}

/** By route: the parsed input of its last URLs. The most frequent reads use few URLs, so each is parsed once. */
const READ = new WeakMap<Route, Map<string, Input>>();
const URLS_MAX = 500;
const URL_LENGTH_MAX = 300;

/** The URL of a request without other input. */
function urlAlone(
  { method, body, consumes, idempotency, ifMatch }: Route,
  { url = "" }: IncomingMessage,
): string | undefined {
  const alone = method === "GET" && (body ?? consumes ?? idempotency ?? ifMatch) === undefined;
  return alone && url.length <= URL_LENGTH_MAX ? url : undefined;
}

function remember(route: Route, url: string, input: Input): void {
  const urls = READ.get(route) ?? new Map<string, Input>();
  if (urls.size >= URLS_MAX) urls.clear();
  // It is shared by requests, so none may change it.
  Object.freeze(input.params);
  Object.freeze(input.query);
  READ.set(route, urls.set(url, input));
}

const NO_QUERY = z.strictObject({});

/** Whether a route takes no input: nothing is parsed for its requests. */
const isBare = ({ params, query, body, idempotency, ifMatch }: Route): boolean =>
  (params ?? query ?? body ?? idempotency ?? ifMatch) === undefined;

const NOTHING: Input = {
  params: undefined,
  query: {},
  body: undefined,
  bodyText: "",
  idempotencyKey: undefined,
  ifMatch: undefined,
};

function readHeaders(
  route: Route,
  { headers }: IncomingMessage,
): Pick<Input, "idempotencyKey" | "ifMatch"> {
  const key = one(headers["idempotency-key"]);
  if (route.idempotency === "required" && key === undefined) {
    throw invalid([
      {
        path: "header.Idempotency-Key",
        code: "required",
        message: "send a new unique key (such as a UUID) for each thing to be done",
      },
    ]);
  }
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) {
    const message = "give 1 to 200 printable ASCII characters";
    throw invalid([{ path: "header.Idempotency-Key", code: "invalid", message }]);
  }
  const ifMatch = headers["if-match"];
  if (route.ifMatch === "required" && ifMatch === undefined) {
    const message = "send If-Match with the ETag of what you read, so that nobody's change is lost";
    throw new AppError("precondition_required", message);
  }
  return {
    idempotencyKey: route.idempotency === undefined ? undefined : key,
    ifMatch:
      route.ifMatch === undefined || ifMatch === undefined ? undefined : parseIfMatch(ifMatch),
  };
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/**
 * The unparsed JSON body of a request.
 * @throws AppError unsupported_media_type, too_large, or bad_request for invalid UTF-8
 */
export async function readBodyText(route: Route, incoming: IncomingMessage): Promise<string> {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new AppError(
      "unsupported_media_type",
      "Send JSON, with the header content-type: application/json.",
    );
  }
  const encoding = incoming.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    throw new AppError("unsupported_media_type", "Send JSON as it is, without content-encoding.");
  }
  const bytes = await readBytes(incoming, route.bodyBytesMax ?? BODY_BYTES_MAX);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AppError("bad_request", "The body is not valid UTF-8.", { cause: error });
  }
}

/** The whole body. @throws AppError too_large */
export async function readBytes(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError("too_large", `The body is larger than ${bytesMax} bytes.`);
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection must outlive a body that is too large, so that the client gets the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The client disconnected: not an error of the server, and nobody reads the answer.
    throw new AppError("bad_request", "The body broke off before its end.", { cause: error });
  }
  return Buffer.concat(chunks);
}

/** Parses a JSON body. @throws AppError bad_request, also for text that could not be stored */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (ODD_ESCAPE.test(text) || text.includes("\0")) checkStrings(value, "body");
    return value;
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The parser's message quotes the body, which may hold a password.
    const at = error instanceof Error ? /at position \d+/.exec(error.message)?.[0] : undefined;
    throw new AppError("bad_request", `The body is no JSON${at ? ` (${at})` : ""}.`);
  }
}

/** Most queries have no escapes; splitting them takes a tenth of the time of URLSearchParams. */
function pairsOf(query: string): Iterable<readonly [string, string]> {
  if (query.includes("%") || query.includes("+")) return new URLSearchParams(query);
  return query
    .split("&")
    .filter((it) => it !== "")
    .map((it) => {
      const equals = it.indexOf("=");
      return equals === -1 ? [it, ""] : [it.slice(0, equals), it.slice(equals + 1)];
    });
}

function queryOf(url: string): Record<string, string | string[]> {
  const start = url.indexOf("?");
  if (start === -1) return {};
  const values: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairsOf(url.slice(start + 1))) {
    const before = values[name];
    if (before === undefined) values[name] = value;
    else values[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  if (url.includes("%", start)) checkStrings(values, "query");
  return { ...values };
}

function checkedStrings<Value>(value: Value): Value {
  checkStrings(value, "path");
  return value;
}

/** Refuses text with NUL or unpaired surrogates, which neither the database nor the log could store. */
function checkStrings(value: unknown, path: string): void {
  if (typeof value === "string") {
    if (!value.includes("\0") && value.isWellFormed()) return;
    const message = "text may hold no NUL and no broken Unicode";
    throw invalid([{ path, code: "invalid_text", message }]);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    checkStrings(name, path);
    checkStrings(item, `${path}.${name}`);
  }
}

const fieldError = (where: string, issue: z.core.$ZodIssue): FieldError => ({
  path: [where, ...issue.path.map(String)].join("."),
  code: issue.code ?? "invalid",
  message: issue.message,
});

/** A bad request with its invalid fields. */
export function invalid(fields: readonly FieldError[]): AppError {
  const detail = fields.map((it) => `${it.path}: ${it.message}`).join("; ");
  return new AppError("bad_request", detail.slice(0, 2_000), { fields: fields.slice(0, 50) });
}
