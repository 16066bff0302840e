import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";

import { systemClock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { type Log, logTo } from "../log.ts";
import type { AccessControl, OpenRule } from "./access-control.ts";
import { type RateLimit, TooManyRequests, createRateLimit } from "./rate-limit.ts";
import { openRoute } from "./route.ts";
import { checkOrigin, originRules } from "./same-origin.ts";
import { pageHeaders } from "./security-headers.ts";
import { serveRoutes } from "./testing.ts";

let logged: string[] = [];
let log: Log;
beforeEach(() => {
  logged = [];
  log = logTo({ write: (line) => logged.push(line), close: () => undefined }, { level: "info" });
});

const origins = originRules({ host: "127.0.0.1", publicUrl: "https://ops.example.com" });

const Body = z.strictObject({ name: z.string().min(1), age: z.number() });
const open = {
  method: "GET",
  tag: "T",
  summary: "S",
  rule: { allow: "anyone", why: "a test" },
  responses: {},
} as const;
const routes = [
  openRoute({
    ...open,
    method: "POST",
    path: "/people",
    operationId: "addPerson",
    body: Body,
    responses: { 201: { description: "Added", body: Body } },
    handle: ({ body }) => ({ status: 201, body }),
  }),
  openRoute({
    ...open,
    path: "/known",
    operationId: "known",
    handle: () => {
      throw new AppError("conflict", "web already has a deploy in flight");
    },
  }),
  openRoute({
    ...open,
    path: "/unknown",
    operationId: "unknown",
    handle: () => {
      throw new Error("password of the database is hunter2");
    },
  }),
];
const access: AccessControl<OpenRule> = {
  authenticate: (_, address) => ({ kind: "anonymous", id: "", address }),
  authorise: () => undefined,
};

let url = "";
let server: AsyncDisposable;
beforeEach(async () => {
  const served = await serveRoutes(routes, { access, log, clock: systemClock });
  ({ url } = served);
  server = served;
});
afterEach(() => server[Symbol.asyncDispose]());

const send = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}${path}`, init);
const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers: { "content-type": "application/json", ...headers },
});

test("an AppError shows its message as a problem", async () => {
  const response = await send("/known");
  expect(response.status).toBe(409);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({
    type: "about:blank",
    title: "Conflict",
    detail: "web already has a deploy in flight",
  });
});

test("any other error is a 500 without details, which are logged under the same id", async () => {
  const response = await send("/unknown");
  const body = z
    .object({ instance: z.string() })
    .loose()
    .parse(await response.json());
  expect(response.status).toBe(500);
  expect(JSON.stringify(body)).not.toContain("hunter2");
  expect(logged.join("")).toContain("hunter2");
  expect(logged.join("")).toContain(body.instance);
});

test("a body that does not match the schema is rejected with its invalid fields", async () => {
  const response = await send("/people", post('{"name":"","age":"x","extra":1}'));
  expect(response.status).toBe(400);
  const { errors } = z
    .object({ errors: z.array(z.object({ path: z.string() })) })
    .parse(await response.json());
  expect(errors.map((it) => it.path).toSorted()).toEqual(["body", "body.age", "body.name"]);
});

test("a body that is too large, not JSON, not UTF-8 or of another type is rejected", async () => {
  const bodies: [number, BodyInit, Record<string, string>][] = [
    [400, "{", {}],
    [400, "", {}],
    [400, new Uint8Array([0x22, 0xff, 0x22]), {}],
    [413, "x".repeat(256 * 1024 + 1), {}],
    [415, '{"name":"a","age":1}', { "content-type": "text/plain" }],
  ];
  for (const [status, body, headers] of bodies) {
    expect((await send("/people", post(body, headers))).status).toBe(status);
  }
  expect((await send("/people", post('{"name":"ä","age":1}'))).status).toBe(201);
});

test("a password in an invalid body is neither returned nor logged", async () => {
  for (const body of ['{"password":"hunter2" "x"}', "hunter2", '{"password":"hunter2']) {
    const response = await send("/people", post(body));
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain("hunter");
  }
  expect(logged.join("")).toContain("The body is not valid JSON");
  expect(logged.join("")).not.toContain("hunter");
});

test("a handler learns when its own client disconnects", async () => {
  const signals: AbortSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = openRoute({
    ...open,
    path: "/slow",
    operationId: "slow",
    responses: { 204: { description: "Done" } },
    async handle({ readSignal }) {
      signals.push(readSignal);
      await promise;
      return { status: 204 };
    },
  });
  await using served = await serveRoutes([slow], { access, log, clock: systemClock });
  const leaving = new AbortController();
  const left = fetch(`${served.url}/slow`, { signal: leaving.signal }).catch(() => undefined);
  const stays = fetch(`${served.url}/slow`);
  await expect.poll(() => signals.length).toBe(2);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  leaving.abort();
  await left;
  await expect.poll(() => signals.filter(({ aborted }) => aborted).length).toBe(1);
  resolve();
  expect((await stays).status).toBe(204);
});

test("an unknown path gets a problem, and every response has the security headers", async () => {
  for (const path of ["/nowhere", "/known", "/unknown"]) {
    const response = await send(path);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  }
  expect((await send("/nowhere")).status).toBe(404);
});

test("requests from pages of other sites and with foreign host names are rejected", () => {
  const request =
    (method: string, headers: Record<string, string>, socket = false) =>
    () =>
      checkOrigin({ method, headers }, origins, { socket });
  const here = { host: "localhost:4600" };
  const allowed = [
    request("POST", here),
    request("POST", { ...here, origin: "http://localhost:4600", "sec-fetch-site": "same-origin" }),
    request("GET", { ...here, origin: "https://evil.example", "sec-fetch-site": "cross-site" }),
    request("POST", { host: "ops.example.com", origin: "https://ops.example.com" }),
    request("POST", { host: "127.0.0.1:4600", origin: "https://ops.example.com" }),
    request("GET", { host: "[::1]:4600" }),
  ];
  const refused = [
    request("POST", { ...here, origin: "https://evil.example" }),
    request("POST", { ...here, origin: "null" }),
    request("DELETE", { ...here, "sec-fetch-site": "cross-site" }),
    request("POST", { ...here, "sec-fetch-site": "same-site" }),
    request("POST", { ...here, origin: "http://localhost:8080" }),
    request("POST", { host: "127.0.0.1:4600", origin: "http://127.0.0.1:8080" }),
    request("GET", { host: "127.0.0.1:4600", origin: "http://127.0.0.1:8080" }, true),
    request("GET", { ...here, origin: "https://evil.example" }, true),
    request("GET", { host: "evil.example" }),
    request("GET", { host: "127.0.0.1.evil.example" }),
    request("GET", {}),
  ];
  for (const it of allowed) expect(it).not.toThrow();
  for (const it of refused) expect(it).toThrow(AppError);
});

test("a page runs no inline script without the nonce of its response, and cannot be framed", () => {
  const policy = pageHeaders("abc")["content-security-policy"] ?? "";
  expect(policy).toContain("script-src 'self' 'nonce-abc';");
  expect(policy).toContain("frame-ancestors 'none'");
});

/** The wait of a limited caller; 0 if the request is allowed. */
function waitOf(limit: RateLimit, key: string): number {
  try {
    limit.take(key);
    return 0;
  } catch (error) {
    return error instanceof TooManyRequests ? (error.waitMs ?? Number.NaN) : Number.NaN;
  }
}

test("a rate limit allows the burst and then its rate, whatever the order of the keys", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), afterMs: fc.nat(500) })),
      (takes) => {
        let nowMs = 0;
        const limit = createRateLimit(
          { burst: 3, refillMs: 100, keysMax: 10 },
          { nowMs: () => nowMs },
        );
        const granted = new Map<string, number>();
        for (const { key, afterMs } of takes) {
          nowMs += afterMs;
          if (waitOf(limit, key) === 0) granted.set(key, (granted.get(key) ?? 0) + 1);
        }
        for (const count of granted.values()) expect(count).toBeLessThanOrEqual(3 + nowMs / 100);
      },
    ),
  );
});

test("a limited caller is allowed again after the stated wait", () => {
  let nowMs = 0;
  const limit = createRateLimit({ burst: 2, refillMs: 1_000, keysMax: 2 }, { nowMs: () => nowMs });
  expect([waitOf(limit, "a"), waitOf(limit, "a")]).toEqual([0, 0]);
  nowMs += 300;
  const waitMs = waitOf(limit, "a");
  expect(waitMs).toBe(700);
  nowMs += waitMs;
  expect(waitOf(limit, "a")).toBe(0);
});
