import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { AppError, type FieldError } from "../errors.ts";
import type { BaseRule } from "./access-control.ts";
import { parseIfMatch } from "./etag.ts";
import { checkStrings, invalid } from "./invalid-input.ts";
import { parseJson } from "./read-body.ts";
import type { Route as RouteOf } from "./route.ts";

type Route = RouteOf<BaseRule>;

/** A valid Idempotency-Key. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

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

export type RawInput = { bodyText: string; rawParams: RawParams };

/**
 * The input of a request, parsed by the route's schemas.
 * @throws AppError bad_request (400) with the path of each invalid field: `query.limit`, `body.email`
 */
export function parseInput(
  route: Route,
  incoming: IncomingMessage,
  { bodyText, rawParams }: RawInput,
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
    // Node rejects NUL and invalid UTF-8 in a path, so only escapes can contain them.
    incoming.url?.includes("%") ? checkedStrings(rawParams()) : rawParams(),
  );
  const hasQuery = route.query !== undefined || (incoming.url ?? "").includes("?");
  const query = hasQuery
    ? parse(route.query ?? NO_QUERY, "query", () => queryOf(incoming.url ?? ""))
    : {};
  const body = parse(route.body, "body", () => parseJson(bodyText));
  if (mistakes.length > 0) throw invalid(mistakes);
  return { params, query, body, bodyText, ...headers };
}

const NO_QUERY = z.strictObject({});

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
        message: "send a new unique key, such as a UUID, for each operation",
      },
    ]);
  }
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) {
    const message = "give 1 to 200 printable ASCII characters";
    throw invalid([{ path: "header.Idempotency-Key", code: "invalid", message }]);
  }
  const ifMatch = headers["if-match"];
  if (route.ifMatch === "required" && ifMatch === undefined) {
    const message =
      "send If-Match with the ETag that you read, so that no concurrent change is lost";
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

const fieldError = (where: string, issue: z.core.$ZodIssue): FieldError => ({
  path: [where, ...issue.path.map(String)].join("."),
  code: issue.code ?? "invalid",
  message: issue.message,
});
