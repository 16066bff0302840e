import * as fc from "fast-check";
import { z } from "zod";

import type { TestResponse, TestService } from "#api/kit/testing.ts";
import type { BaseRule } from "#platform/http/access-control.ts";
import type { Route as RouteOf } from "#platform/http/route.ts";
import { Problem } from "#platform/http/schema.ts";
import type { OpenApi, Operation } from "#platform/openapi/openapi.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { broken, forms, nasty, valid } from "./arbitraries.ts";
import { type Watch, watchTables } from "./table-watch.ts";

type Route = RouteOf<BaseRule>;

/** An API under test: one of the services, or the control plane. */
export type RunningApi = Pick<TestService, "url" | "clock" | "root" | "send" | "stop"> & {
  routes: readonly Route[];
  database: Queryable;
};

export type FuzzOptions = {
  /** The schema of its tables. */
  schema: string;
  /** Tables that a rejected request may change, with the reason. */
  mayChange: Readonly<Record<string, string>>;
  /** Creates resources that random requests cannot create; resolves with the responses. */
  prepare?: (() => Promise<unknown>) | undefined;
  runs: number;
};

export type FuzzResult = {
  requests: number;
  statuses: Map<number, number>;
  /** Known ids by prefix. */
  pool: Pool;
};

export type Fuzzed = {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
  headers: Record<string, string>;
  rawBody: string | undefined;
  anonymous: boolean;
  again: "no" | "same" | "other";
};

/** Ids found in responses, by prefix. */
export type Pool = Map<string, string[]>;
const STREAM_MS = 300;
const SECOND_MS = 1_000;
const PROBLEM = "application/problem+json";
const FORM = "application/x-www-form-urlencoded";

/** Sends valid and invalid requests to every route; rejects with the first request whose response breaks a rule. */
export async function fuzzApi(running: RunningApi, options: FuzzOptions): Promise<FuzzResult> {
  const document = await documentOf(running);
  const pool: Pool = new Map();
  harvest(await options.prepare?.(), pool);
  const watch = await watchTables(running.database, options.schema, Object.keys(options.mayChange));
  const statuses = new Map<number, number>();
  let requests = 0;
  // Creating routes first, so that there are objects to read and change.
  const routes = running.routes.toSorted((a, b) => rank(a) - rank(b));
  for (const round of [0, 1]) {
    for (const route of routes) {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()];
      if (!operation) throw new Error(`${route.method} ${route.path} is not in the document`);
      await fc.assert(
        fc.asyncProperty(requestTo(operation, document), async (fuzzed) => {
          const responses = await fuzzOnce({ running, route, operation, pool, watch }, fuzzed);
          for (const { status } of responses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
          requests += responses.length;
        }),
        { numRuns: Math.ceil(options.runs / 2), seed: seedOf(round) },
      );
    }
  }
  return { requests, statuses, pool };
}

const Document = z.custom<OpenApi>((it) => typeof it === "object" && it !== null && "paths" in it);

/** The document that a running API serves. */
export async function documentOf(running: Pick<RunningApi, "send">): Promise<OpenApi> {
  return Document.parse((await running.send("GET", "/openapi.json")).json);
}

const seedOf = (round: number): number =>
  Number(process.env["FUZZ_SEED"] ?? Math.floor(performance.timeOrigin)) + round;

const rank = ({ method }: Route): number =>
  ["POST", "PUT", "PATCH", "GET", "DELETE"].indexOf(method);

export function requestTo(operation: Operation, document: OpenApi): fc.Arbitrary<Fuzzed> {
  const { schemas } = document.components;
  const of = (where: string): fc.Arbitrary<Record<string, unknown>> => {
    const parameters = operation.parameters.filter((it) => it.in === where);
    const good = fc.record(
      Object.fromEntries(parameters.map((it) => [it.name, valid(it.schema, schemas)])),
      { requiredKeys: parameters.filter((it) => it.required).map((it) => it.name) },
    );
    return fc.oneof(
      { weight: 5, arbitrary: good },
      fc.tuple(good, nasty()).map(([it, bad]) => {
        const [first] = Object.keys(it);
        return where === "path" && first === undefined
          ? it
          : { ...it, [first ?? "unexpected"]: bad };
      }),
    );
  };
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema === undefined ? fc.constant(undefined) : bodies(valid(schema, schemas));
  return fc.record({
    params: of("path"),
    query: of("query"),
    body,
    headers: headersFor(operation),
    rawBody: rawBodies(operation),
    anonymous: fc.integer({ min: 0, max: 9 }).map((it) => it === 0),
    again: fc.constantFrom("no", "no", "same", "other"),
  });
}

const bodies = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: good }, { weight: 2, arbitrary: broken(good) });

function headersFor(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const has = (name: string): boolean => operation.parameters.some((it) => it.name === name);
  return fc.record(
    {
      ...(has("If-Match")
        ? {
            "if-match": fc.constantFrom(
              '"1"',
              '"1"',
              '"2"',
              "*",
              '"999999999999"',
              '"1", "2"',
              'W/"1"',
              "garbage",
            ),
          }
        : {}),
      ...(has("Idempotency-Key") ? { "idempotency-key": fc.uuid() } : {}),
      traceparent: fc.constantFrom("garbage", `00-${"a".repeat(32)}-${"b".repeat(16)}-01`),
    },
    { requiredKeys: has("Idempotency-Key") ? ["idempotency-key"] : [] },
  );
}

/** For bodies other than JSON, and sometimes in place of JSON. */
function rawBodies(operation: Operation): fc.Arbitrary<string | undefined> {
  const media = Object.keys(operation.requestBody?.content ?? {});
  if (media.length === 0) return fc.constant(undefined);
  const odd = fc.constantFrom(
    "",
    "{",
    "[]",
    '"x"',
    "null",
    '{"a":1}',
    "a=b&c=%zz",
    "\n\n{}\n{",
    "\u0000",
  );
  const noJson = !media.includes("application/json");
  const text = fc.oneof(odd, fc.string({ maxLength: 200 }));
  return fc.oneof(
    { weight: noJson ? 0 : 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: media.includes(FORM) ? fc.oneof(text, forms()) : text },
  );
}

type Target = {
  running: RunningApi;
  route: Route;
  operation: Operation;
  pool: Pool;
  watch: Watch;
};

async function fuzzOnce(target: Target, fuzzed: Fuzzed): Promise<TestResponse[]> {
  const { running, route, pool, watch } = target;
  // Refills the rate limit of the route.
  running.clock.now += SECOND_MS;
  const first = await send(target, fuzzed, fuzzed.body);
  check(target, fuzzed, first);
  if (route.method !== "GET") await watch.after(first.status, `${route.method} ${route.path}`);
  harvest(first.json, pool);
  const keyed = fuzzed.headers["idempotency-key"] !== undefined && route.body !== undefined;
  if (!keyed || fuzzed.again === "no" || first.status >= 300 || fuzzed.anonymous) return [first];
  return [first, await sendAgain(target, fuzzed, first)];
}

/** With the same key, the same request gets the same response, another one is refused, and nothing changes. */
async function sendAgain(
  target: Target,
  fuzzed: Fuzzed,
  first: TestResponse,
): Promise<TestResponse> {
  const { route, watch } = target;
  const same = fuzzed.again === "same";
  const second = await send(target, fuzzed, same ? fuzzed.body : { unexpected: fuzzed.body });
  check(target, fuzzed, second);
  await watch.unchanged(`${route.method} ${route.path} sent again with its key`);
  const statuses = `${first.status} ${first.text}, then ${second.status} ${second.text}`;
  // The rate limit is checked first.
  if (second.status === 429) return second;
  if (same && (second.status !== first.status || second.text !== first.text)) {
    throw new Error(`sent again with its key, it was answered differently: ${statuses}`);
  }
  if (!same && second.status < 400) throw new Error(`a key was used for two things: ${statuses}`);
  return second;
}

async function send(target: Target, fuzzed: Fuzzed, given: unknown): Promise<TestResponse> {
  const as = fuzzed.anonymous ? undefined : target.running.root;
  return sendFuzzed(target, { ...fuzzed, body: given }, as);
}

/** Sends a generated request, with placeholders replaced by existing ids. */
export async function sendFuzzed(
  { running, route, operation, pool }: Omit<Target, "watch">,
  fuzzed: Fuzzed,
  as: string | undefined,
): Promise<TestResponse> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(withoutDotSegment(textOf(fill(fuzzed.params[name], pool)))),
  );
  const query = Object.entries(fuzzed.query).map(
    ([name, value]) =>
      `${encodeURIComponent(name)}=${encodeURIComponent(textOf(fill(value, pool)))}`,
  );
  const media = Object.keys(operation.requestBody?.content ?? {})[0];
  const body =
    fuzzed.rawBody ??
    (fuzzed.body === undefined ? undefined : JSON.stringify(fill(fuzzed.body, pool)));
  const url = `${path}${query.length > 0 ? `?${query.join("&")}` : ""}`.slice(0, 12_000);
  const streams = Object.values(operation.responses).some(
    ({ content }) => content?.["text/event-stream"] !== undefined,
  );
  return running.send(route.method, url, {
    as,
    headers: { ...fuzzed.headers, ...(media === undefined ? {} : { "content-type": media }) },
    ...(body === undefined || route.method === "GET" ? {} : { body }),
    ...(streams ? { onlyMs: STREAM_MS } : {}),
  });
}

/** Clients resolve `.` and `..` in URLs, so such a parameter would select another route. */
const withoutDotSegment = (text: string): string => (/^\.{1,2}$/.test(text) ? `${text}-` : text);

function check({ operation, route }: Target, fuzzed: Fuzzed, answer: TestResponse): void {
  const summary = `${route.method} ${route.path} answered ${answer.status} ${answer.text.slice(0, 400)}`;
  if (answer.status >= 500) throw new Error(summary);
  const response = operation.responses[String(answer.status)];
  if (response === undefined) throw new Error(`${summary}: this status is not in the document`);
  if (answer.status >= 400) checkRefusal({ summary, response }, fuzzed, answer);
}

type Refused = { summary: string; response: Operation["responses"][string] };

function checkRefusal({ summary, response }: Refused, fuzzed: Fuzzed, answer: TestResponse): void {
  const [media = ""] = (answer.headers.get("content-type") ?? "").split(";");
  if (answer.text !== "" && response.content?.[media] === undefined) {
    throw new Error(`${summary}: it is ${media}, which is not in the document`);
  }
  // A page.
  if (media !== PROBLEM) return;
  const problem = Problem.parse(answer.json);
  const wrongBody = answer.status === 400 && fuzzed.rawBody === undefined;
  if (wrongBody && problem.errors === undefined && !/header|JSON|token/i.test(problem.detail)) {
    throw new Error(`${summary}: it names no field`);
  }
}

/** Collects every id in a response. */
export function harvest(value: unknown, pool: Pool): void {
  if (typeof value === "string") {
    const prefix = /^(\w+)_[0-9a-f]{24}$/.exec(value)?.[1];
    if (prefix === undefined) return;
    const known = pool.get(prefix) ?? [];
    if (!known.includes(value)) pool.set(prefix, [...known, value].slice(-50));
  } else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) harvest(item, pool);
  }
}

const Placeholder = z.strictObject({ fromPool: z.string(), turn: z.number() });

function fill(value: unknown, pool: Pool): unknown {
  const placeholder = Placeholder.safeParse(value).data;
  if (placeholder) {
    const known = pool.get(placeholder.fromPool) ?? [];
    return (
      known[placeholder.turn % Math.max(1, known.length)] ??
      `${placeholder.fromPool}_${"0".repeat(24)}`
    );
  }
  if (Array.isArray(value)) return value.map((it) => fill(it, pool));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, fill(it, pool)]));
}

const textOf = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
  return (text === "" ? "%20" : text.toWellFormed()).slice(0, 3_000);
};
