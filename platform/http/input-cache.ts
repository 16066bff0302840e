import type { IncomingMessage } from "node:http";

import type { BaseRule } from "./access-control.ts";
import { type Input, type RawInput, parseInput } from "./request-input.ts";
import type { Route as RouteOf } from "./route.ts";

type Route = RouteOf<BaseRule>;

const URLS_MAX = 500;
const URL_LENGTH_MAX = 300;
/** The parsed input of the last URLs of each route: the most frequent reads use few URLs, so each is parsed once. */
const INPUTS_BY_URL = new WeakMap<Route, Map<string, Input>>();

const NO_INPUT: Input = {
  params: undefined,
  query: {},
  body: undefined,
  bodyText: "",
  idempotencyKey: undefined,
  ifMatch: undefined,
};

/** As `parseInput`, but parses the parts that depend only on the URL once. */
export function readInput(route: Route, incoming: IncomingMessage, raw: RawInput): Input {
  if (takesNoInput(route) && !(incoming.url ?? "").includes("?")) return NO_INPUT;
  const url = cacheKey(route, incoming);
  if (url === undefined) return parseInput(route, incoming, raw);
  const known = INPUTS_BY_URL.get(route)?.get(url);
  if (known) return known;
  const input = parseInput(route, incoming, raw);
  remember(route, url, input);
  return input;
}

const takesNoInput = ({ params, query, body, idempotency, ifMatch }: Route): boolean =>
  (params ?? query ?? body ?? idempotency ?? ifMatch) === undefined;

/** The URL, if nothing else is input of the request. */
function cacheKey(
  { method, body, consumes, idempotency, ifMatch }: Route,
  { url = "" }: IncomingMessage,
): string | undefined {
  const isUrlAlone = method === "GET" && (body ?? consumes ?? idempotency ?? ifMatch) === undefined;
  return isUrlAlone && url.length <= URL_LENGTH_MAX ? url : undefined;
}

function remember(route: Route, url: string, input: Input): void {
  const inputs = INPUTS_BY_URL.get(route) ?? new Map<string, Input>();
  if (inputs.size >= URLS_MAX) inputs.clear();
  // Shared by requests, so it must not change.
  Object.freeze(input.params);
  Object.freeze(input.query);
  INPUTS_BY_URL.set(route, inputs.set(url, input));
}
