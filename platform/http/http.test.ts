import * as fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { z } from "zod";

import { AppError } from "../errors.ts";
import { type Log, logTo } from "../log.ts";
import { BODY_BYTES_MAX, jsonRoute } from "./json-route.ts";
import { createApi } from "./kit.ts";
import { type RateLimit, TooManyRequests, createRateLimit } from "./rate-limit.ts";
import { checkOrigin, originRules } from "./same-origin.ts";
import { pageHeaders } from "./security-headers.ts";

let logged: string[] = [];
let log: Log;
beforeEach(() => {
  logged = [];
  log = logTo({ write: (line) => logged.push(line), close: () => undefined }, { level: "info" });
});

const origins = originRules({ host: "127.0.0.1", publicUrl: "https://ops.example.com" });

function api() {
  const app = createApi({ log, origins });
  const Body = z.strictObject({ name: z.string().min(1), age: z.number() });
  app.post("/people", jsonRoute(Body, async (body) => ({ status: 201, body }))(undefined));
  app.get("/known", () => {
    throw new AppError("conflict", "web already has a deploy in flight");
  });
  app.get("/unknown", () => {
    throw new Error("password of the database is hunter2");
  });
  return app;
}

const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers: { host: "localhost:4600", "content-type": "application/json", ...headers },
});
const host = { headers: { host: "localhost:4600" } };

test("an error made for people shows its message as a problem", async () => {
  const response = await api().request("/known", host);
  expect(response.status).toBe(409);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({
    type: "about:blank",
    title: "Conflict",
    detail: "web already has a deploy in flight",
  });
});

test("any other error says nothing to the caller and everything to the log, under one id", async () => {
  const response = await api().request("/unknown", host);
  const body = z
    .object({ instance: z.string() })
    .loose()
    .parse(await response.json());
  expect(response.status).toBe(500);
  expect(JSON.stringify(body)).not.toContain("hunter2");
  expect(logged.join("")).toContain("hunter2");
  expect(logged.join("")).toContain(body.instance);
});

test("a body that the schema refuses names its fields", async () => {
  const response = await api().request("/people", post('{"name":"","age":"x","extra":1}'));
  expect(response.status).toBe(400);
  const { errors } = z
    .object({ errors: z.array(z.object({ path: z.string() })) })
    .parse(await response.json());
  expect(errors.map((it) => it.path).toSorted()).toEqual(["", "age", "name"]);
});

test("a body that is no JSON, no UTF-8, too large or of another type is refused, not parsed", async () => {
  const bodies: [BodyInit, Record<string, string>][] = [
    ["{", {}],
    ["", {}],
    [new Uint8Array([0x22, 0xff, 0x22]), {}],
    ["x".repeat(BODY_BYTES_MAX + 1), {}],
    ['{"name":"a","age":1}', { "content-type": "text/plain" }],
  ];
  for (const [body, headers] of bodies) {
    const response = await api().request("/people", post(body, headers));
    expect(response.status).toBe(400);
  }
  expect((await api().request("/people", post('{"name":"ä","age":1}'))).status).toBe(201);
});

test("a password in a broken body is neither sent back nor logged", async () => {
  for (const body of ['{"password":"hunter2" "x"}', "hunter2", '{"password":"hunter2']) {
    const response = await api().request("/people", post(body));
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain("hunter");
  }
  expect(logged.join("")).toContain("The body is no JSON");
  expect(logged.join("")).not.toContain("hunter");
});

test("a path that is not there is a problem too, and every answer carries the headers", async () => {
  for (const path of ["/nowhere", "/known", "/unknown"]) {
    const response = await api().request(path, host);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  }
  expect((await api().request("/nowhere", host)).status).toBe(404);
});

test("another site cannot make a browser change anything, nor reach us under a name of its own", () => {
  const request = (method: string, headers: Record<string, string>, socket = false) => ({
    method,
    headers: new Headers(headers),
    socket,
  });
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
  for (const it of allowed) expect(() => checkOrigin(it, origins)).not.toThrow();
  for (const it of refused) expect(() => checkOrigin(it, origins)).toThrow(AppError);
});

test("a page runs no script without the nonce of its own response, and nobody frames it", () => {
  const policy = pageHeaders("abc")["content-security-policy"] ?? "";
  expect(policy).toContain("script-src 'self' 'nonce-abc';");
  expect(policy).toContain("frame-ancestors 'none'");
});

/** How long a refused caller is told to wait; 0 for one that is let through. */
function waitOf(limit: RateLimit, key: string): number {
  try {
    limit.take(key);
    return 0;
  } catch (error) {
    return error instanceof TooManyRequests ? (error.waitMs ?? Number.NaN) : Number.NaN;
  }
}

test("a rate limit grants the burst and then its rate, whatever the order of the keys", () => {
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

test("a refused taker learns how long to wait, and waiting so long is enough", () => {
  let nowMs = 0;
  const limit = createRateLimit({ burst: 2, refillMs: 1_000, keysMax: 2 }, { nowMs: () => nowMs });
  expect([waitOf(limit, "a"), waitOf(limit, "a")]).toEqual([0, 0]);
  nowMs += 300;
  const waitMs = waitOf(limit, "a");
  expect(waitMs).toBe(700);
  nowMs += waitMs;
  expect(waitOf(limit, "a")).toBe(0);
});
