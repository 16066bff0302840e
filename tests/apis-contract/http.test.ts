import { once } from "node:events";
import { connect } from "node:net";

import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type TestService, testService } from "#api/kit/testing.ts";
import { management } from "#api/management/service.ts";
import { Problem } from "#platform/http/schema.ts";

import { type RawResponse, sendRaw } from "./raw-http.ts";

let running: TestService;
beforeAll(async () => {
  running = await testService(management);
});
afterAll(() => running.stop());

const CLOSE = "Host: here\r\nConnection: close\r\n";
const get = (target: string, headers = "", version = "1.1"): string =>
  `GET ${target} HTTP/${version}\r\n${CLOSE}${headers}\r\n`;
const one = async (bytes: string | Buffer): Promise<RawResponse> => {
  const [response, ...more] = await sendRaw(running.url, bytes);
  if (response === undefined) return { status: 0, headers: new Map(), body: "" };
  expect(more).toEqual([]);
  return response;
};
const statusOf = async (bytes: string | Buffer): Promise<number> => (await one(bytes)).status;
const post = (headers: string, body = ""): string =>
  `POST /v1/applications HTTP/1.1\r\n${CLOSE}Authorization: Bearer ${running.root}\r\n${headers}\r\n${body}`;
const HEADERS =
  "If-Match If-None-Match Idempotency-Key Content-Type Content-Encoding Traceparent Read-After X-Forwarded-For Forwarded Accept Range Cookie TE Authorization Last-Event-ID Expect User-Agent Host".split(
    " ",
  );
const JSON_TYPE = "Content-Type: application/json\r\n";

test("a method that a path does not support gets a 405 with the supported ones", async () => {
  for (const method of ["POST", "OPTIONS", "TRACE", "PURGE", "PATCH"]) {
    const response = await one(`${method} /livez HTTP/1.1\r\n${CLOSE}\r\n`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  }
  expect(await statusOf(`OPTIONS /nothing HTTP/1.1\r\n${CLOSE}\r\n`)).toBe(404);
  expect(await statusOf(`OPTIONS * HTTP/1.1\r\n${CLOSE}\r\n`)).toBe(404);
  expect(await statusOf(`BREW /livez HTTP/1.1\r\n${CLOSE}\r\n`)).toBe(400);
});

test("HEAD is GET without a body, also for endless streams", async () => {
  const body = await one(get("/openapi.json"));
  const head = await one(`HEAD /openapi.json HTTP/1.1\r\n${CLOSE}\r\n`);
  expect([head.status, head.body]).toEqual([200, ""]);
  expect(head.headers.get("etag")).toBe(body.headers.get("etag"));
  const length = String(Buffer.byteLength(body.body, "latin1"));
  for (const { headers } of [body, head]) expect(headers.get("content-length")).toBe(length);
  const auth = `Authorization: Bearer ${running.root}\r\n`;
  await running.send("POST", "/v1/applications", {
    as: running.root,
    body: { name: "shop", description: "", reason: "to watch it" },
  });
  const stream = await one(`HEAD /v1/watch?application=shop HTTP/1.1\r\n${CLOSE}${auth}\r\n`);
  expect([stream.status, stream.body]).toEqual([200, ""]);
});

test("unusual request targets get a response, and none bypasses the routes", async () => {
  const nowhere = ["//livez", "/livez/", "/%2e%2e/livez", "/../livez", "/%", "/%ff", "/%00", "/;a"];
  for (const target of [...nowhere, "/v1/%F0%9F%98", `/${"a".repeat(12_000)}`, "/livez%00"]) {
    expect([target.slice(0, 20), await statusOf(get(target))]).toEqual([target.slice(0, 20), 404]);
  }
  expect(await statusOf(get("/v1/settings/%00/resolved"))).toBe(401);
  expect(await statusOf(get(`/livez?${"a=b&".repeat(3_000)}`))).toBe(400);
  expect(await statusOf(get("http://elsewhere/livez"))).toBe(200);
  expect(await statusOf(get("http://[/livez"))).toBe(404);
  expect(await statusOf(get(`/${"a".repeat(20_000)}`))).toBe(431);
});

test("unusual headers get a response: long, repeated, not ASCII, none", async () => {
  expect(await statusOf(get("/livez", `X-Long: ${"x".repeat(10_000)}\r\n`))).toBe(200);
  expect(await statusOf(get("/livez", `X-Long: ${"x".repeat(20_000)}\r\n`))).toBe(431);
  expect(await statusOf(get("/livez", "Authorization: Bearer \u00e9\r\n"))).toBe(401);
  expect(await statusOf(get("/livez", "Authorization: Basic YTpi\r\n"))).toBe(401);
  expect(await statusOf(get("/livez", "X-Nul: a\0b\r\n"))).toBe(400);
  expect(await statusOf("GET /livez HTTP/1.0\r\n\r\n")).toBe(200);
  expect(await statusOf("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")).toBe(400);
  expect(await statusOf(get("/livez", "Upgrade: websocket\r\n"))).toBe(200);
  expect(await statusOf(get("/livez", "Expect: miracles\r\n"))).toBe(417);
  const keys = "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n";
  expect(await statusOf(post(`${JSON_TYPE}${keys}`, "{}"))).toBe(400);
});

test("an ambiguous request, as for request smuggling, is refused", async () => {
  const both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
  expect(await statusOf(post(`${JSON_TYPE}${both}`, "0\r\n\r\n"))).toBe(400);
  expect(await statusOf(post(`${JSON_TYPE}Content-Length: 2\r\nContent-Length: 3\r\n`, "{}"))).toBe(
    400,
  );
  expect(await statusOf(post(`${JSON_TYPE}Transfer-Encoding: gzip, chunked, x\r\n`))).toBe(400);
  expect(await statusOf(get("/livez", "X-Folded: a\r\n b\r\n"))).toBeLessThan(500);
});

test("malformed requests are also rejected with problem details", async () => {
  const both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
  const cases: [number, string][] = [
    [400, "NO HTTP\r\n\r\n"],
    [400, get("/livez", "X-Nul: a\0b\r\n")],
    [400, post(`${JSON_TYPE}${both}`, "0\r\n\r\n")],
    [400, "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"],
    [417, get("/livez", "Expect: miracles\r\n")],
    [431, get("/livez", `X-Long: ${"x".repeat(20_000)}\r\n`)],
  ];
  for (const [status, bytes] of cases) {
    const response = await one(bytes);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-release")).toBe("0.1.0");
    expect(Problem.parse(JSON.parse(response.body))).toMatchObject({ status });
  }
});

test("malformed input during a stream does not change the stream", async () => {
  await running.send("POST", "/v1/applications", {
    as: running.root,
    body: { name: "streamed", description: "", reason: "to watch it" },
  });
  const auth = `Authorization: Bearer ${running.root}\r\n`;
  const { hostname, port } = new URL(running.url);
  const socket = connect(Number(port), hostname).setEncoding("latin1");
  let text = "";
  socket.on("data", (part) => (text += part));
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  socket.write(`GET /v1/watch?application=streamed HTTP/1.1\r\nHost: here\r\n${auth}\r\n`);
  await expect.poll(() => text).toContain("event: ready");
  socket.write("\0\0\r\n\r\n");
  await closed;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  expect(text).not.toContain("about:blank");
});

test("protocols other than HTTP/1 are refused", async () => {
  const hello = Buffer.from("16030100a5010000a10303", "hex");
  expect(await statusOf(hello)).toBe(400);
  expect(await statusOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toBe(400);
  expect(await statusOf("\0\0\0\0\r\n\r\n")).toBe(400);
});

test("bodies that are too large (also without a length), encoded, or of other media types are refused", async () => {
  const chunk = `${(100_000).toString(16)}\r\n${"x".repeat(100_000)}\r\n`;
  const chunked = `${JSON_TYPE}Transfer-Encoding: chunked\r\n`;
  expect(await statusOf(post(chunked, `${chunk.repeat(4)}0\r\n\r\n`))).toBe(413);
  expect(await statusOf(post(`${JSON_TYPE}Content-Length: 99999999\r\n`))).toBe(413);
  const gzip = `${JSON_TYPE}Content-Encoding: gzip\r\nContent-Length: 2\r\n`;
  expect(await statusOf(post(gzip, "{}"))).toBe(415);
  expect(await statusOf(post("Content-Length: 2\r\n", "{}"))).toBe(415);
});

test("clients that disconnect during a request do not affect others", async () => {
  const chunked = `${JSON_TYPE}Transfer-Encoding: chunked\r\n`;
  const cut = [post(chunked, "5\r\n{"), post(`${JSON_TYPE}Content-Length: 50\r\n`, "{"), "GET /li"];
  await Promise.all(cut.map((bytes) => sendRaw(running.url, bytes, { cutOff: true })));
  expect(await statusOf(get("/readyz"))).toBe(200);
});

test("pipelined requests are answered in order", async () => {
  const targets = Array.from({ length: 30 }, (_, at) => (at % 3 === 0 ? "/livez" : `/none/${at}`));
  const keep = targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: here\r\n\r\n`);
  const responses = await sendRaw(running.url, [...keep, get("/livez")].join(""));
  expect(responses.map(({ status }) => status)).toEqual([
    ...targets.map((target) => (target === "/livez" ? 200 : 404)),
    200,
  ]);
  for (const [at, target] of targets.entries()) {
    if (target !== "/livez") expect(responses[at]?.body).toContain(`${target}.`);
  }
});

test("no request can add lines or fields to the access log", async () => {
  const before = running.lines.length;
  const agent = 'x","level":"fatal"}\t{"@timestamp":"\u00ff\u0085';
  await one(get('/a"b,"c":"d\\', `User-Agent: ${agent}\r\nTraceparent: 00-"-x\r\n`));
  const [line, ...more] = running.lines.slice(before);
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    "http.route": "/*",
    "url.path": '/a"b,"c":"d\\',
    "user_agent.original": Buffer.from(agent).toString("latin1"),
    "trace.id": expect.stringMatching(/^[\da-f]{32}$/),
  });
});

test("pages of other sites cannot read a response, and no cache may store it", async () => {
  const response = await one(get("/v1/applications", "Origin: https://evil.example\r\n"));
  expect([...response.headers.keys()].filter((it) => it.startsWith("access-control"))).toEqual([]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("every combination of unusual headers and targets gets a response other than 5xx", async () => {
  const name = fc.constantFrom(...HEADERS);
  const value = fc.oneof(
    fc.constantFrom('"1", "2"', 'W/"1"', "*, *", '"', "gzip", "0/0", "bytes=0-", "", "%00", "=;,"),
    fc.constantFrom("16/B374D848", "FFFFFFFF/FFFFFFFF", "9".repeat(400), "a".repeat(8_000)),
    fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((it) => String.fromCodePoint(it)) }),
  );
  const target = fc.oneof(
    fc.constantFrom("/livez", "/v1/applications", "/v1/settings/x/resolved", "/v1/events", "/docs"),
    fc.string().map((it) => `/${encodeURIComponent(it)}`),
    fc.string({ unit: "binary-ascii" }).map((it) => `/${it.replaceAll(/[\s\0]/g, "")}`),
  );
  const request = fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "LINK"),
    target,
    headers: fc.array(fc.tuple(name, value), { maxLength: 4 }),
    body: fc.constantFrom("", "{}", "\0", "[".repeat(5_000)),
    signedIn: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, target: at, headers, body, signedIn }) => {
      const lines = headers.map(([key, text]) => `${key}: ${text}\r\n`).join("");
      const auth = signedIn ? `Authorization: Bearer ${running.root}\r\n` : "";
      const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
      const bytes = `${method} ${at} HTTP/1.1\r\n${CLOSE}${auth}${length}${lines}\r\n${body}`;
      const responses = await sendRaw(running.url, Buffer.from(bytes, "latin1"));
      expect(responses.length).toBeGreaterThan(0);
      expect(responses.every(({ status }) => status < 500)).toBe(true);
    }),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 20) * 10 },
  );
  expect(await statusOf(get("/readyz"))).toBe(200);
});
