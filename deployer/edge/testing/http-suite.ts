import { createHash, randomBytes } from "node:crypto";
import { Agent, get, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { type Echo, echo, openTunnel, RawClient, send } from "./client.ts";
import type { EdgeWorld } from "./world.ts";

const MEGABYTE = 1024 * 1024;
const CRLF = "\r\n";

/** Requests and responses pass through an edge as they are. */
export function testHttp(shared: () => EdgeWorld): void {
  async function served(): Promise<EdgeWorld> {
    const world = shared();
    await world.serve({ tasks: { blue: 1, green: 1 } });
    return world;
  }

  async function connected(): Promise<{ world: EdgeWorld; client: RawClient }> {
    const world = await served();
    const client = new RawClient(world.url);
    onTestFinished(() => client.close());
    return { world, client };
  }

  const sha256 = (body: Buffer): string => createHash("sha256").update(body).digest("hex");

  test("method, path, query and headers arrive unchanged", async () => {
    const { url } = await served();
    const headers = { "x-own": "ü%20,b", accept: "text/plain;q=0.5", cookie: "a=1; b=2" };
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const path = "/echo?a=1&a=2&b=%2F..%2f;c";
      const { body } = await send(`${url}${path}`, {
        method,
        headers: { ...headers, "x-own": Buffer.from(headers["x-own"]).toString("latin1") },
      });
      const got = JSON.parse(body) as Echo;
      expect(got).toMatchObject({ method, url: path, bytes: 0 });
      expect(Buffer.from(String(got.headers["x-own"]), "latin1").toString()).toBe(headers["x-own"]);
      expect(got.headers).toMatchObject({ accept: headers.accept, cookie: headers.cookie });
      expect(got.headers.host).toBe(new URL(url).host);
    }
  });

  test("large request bodies arrive complete, with a length and in chunks, with a key and without", async () => {
    const { url } = await served();
    const body = randomBytes(5 * MEGABYTE);
    for (const key of [{}, { "idempotency-key": "large" }]) {
      for (const length of [
        { "content-length": String(body.length) },
        { "transfer-encoding": "chunked" },
      ]) {
        const sent = { method: "POST", body, headers: { ...key, ...length } };
        const got = await echo(url, sent);
        expect(got).toMatchObject({ bytes: body.length, sha256: sha256(body) });
      }
    }
  });

  test("a head with many long fields arrives, whatever the method", async () => {
    const { url } = await served();
    const many = Array.from({ length: 70 }, (_, at) => [`x-own-${at}`, "v"] as const);
    const headers = { ...Object.fromEntries(many), "x-long": "l".repeat(9_000) };
    for (const method of ["GET", "POST"]) {
      expect((await echo(url, { method, headers })).headers).toMatchObject(headers);
    }
  });

  test("the body of a GET arrives", async () => {
    const { url } = await served();
    for (const length of [{ "content-length": "5" }, { "transfer-encoding": "chunked" }]) {
      const got = await echo(url, { method: "GET", body: "query", headers: length });
      expect(got).toMatchObject({ method: "GET", bytes: 5 });
    }
  });

  test("no other protocol than WebSocket is tunnelled", async () => {
    const world = await served();
    const client = openTunnel(world.url, "/length", "h2c");
    onTestFinished(() => client.close());
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 200 [^]*12345$/);
    expect(world.got("UPGRADE /length")).toEqual([]);
  });

  test("small bodies in chunks arrive complete", async () => {
    const { url } = await served();
    const headers = { "transfer-encoding": "chunked", "idempotency-key": "small" };
    expect(await echo(url, { method: "POST", body: "small", headers })).toMatchObject({ bytes: 5 });
    expect(await echo(url, { method: "POST", body: "", headers })).toMatchObject({ bytes: 0 });
  });

  test("a large response arrives complete, also at a slow reader", async () => {
    const { url } = await served();
    const bytes = 8 * MEGABYTE;
    const got = await new Promise<number>((resolve, reject) => {
      get(`${url}/big?bytes=${bytes}`, (response) => {
        response.pause();
        let sum = 0;
        response.on("data", (chunk: Buffer) => {
          sum += chunk.length;
        });
        response.on("end", () => resolve(sum));
        response.on("error", reject);
        // The reader is slow: what it waits for is nothing but time.
        void delay(300).then(() => response.resume());
      }).on("error", reject);
    });
    expect(got).toBe(bytes);
  });

  test("a stream of events arrives as it is sent", async () => {
    const { world, client } = await connected();
    client.write(`GET /stream HTTP/1.1${CRLF}host: web${CRLF}${CRLF}`);
    await expect.poll(() => client.received).toContain("data: first\n\n");
    expect(client.received).toContain("text/event-stream");
    expect(client.received).not.toContain("data: second");
    await world.task("blue", 0).release();
    await expect.poll(() => client.received).toContain("data: second\n\n");
  });

  test("a response to HEAD, 204 and 304 have no body, and the connection goes on", async () => {
    const { client } = await connected();
    client.write(`HEAD /length HTTP/1.1${CRLF}host: web${CRLF}${CRLF}`);
    await expect
      .poll(() => client.received)
      .toMatch(/^HTTP\/1.1 200 [^]*content-length: 5[^]*\r\n\r\n$/i);
    for (const code of [204, 304]) {
      client.received = "";
      client.write(`GET /status?code=${code} HTTP/1.1${CRLF}host: web${CRLF}${CRLF}`);
      await expect
        .poll(() => client.received)
        .toMatch(new RegExp(`^HTTP/1.1 ${code} [^]*\\r\\n\\r\\n$`));
    }
    client.received = "";
    client.write(`GET /length HTTP/1.1${CRLF}host: web${CRLF}${CRLF}`);
    await expect.poll(() => client.received).toMatch(/\r\n\r\n12345$/);
  });

  test("a client that expects 100 gets it before it sends the body", async () => {
    const { url } = await served();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { expect: "100-continue", "content-length": 4 };
      const sent = request(`${url}/echo`, { method: "POST", headers, agent: false });
      sent.on("continue", () => sent.end("body"));
      sent.on("response", ({ statusCode }) => resolve(statusCode));
      sent.on("error", reject);
      sent.flushHeaders();
    });
    expect(status).toBe(200);
  });

  test("interim responses and trailers do not disturb the response", async () => {
    const { url } = await served();
    expect(await send(`${url}/hints`)).toMatchObject({ status: 200, body: "after hints" });
    expect(await send(`${url}/trailers`)).toMatchObject({ status: 200, body: "body" });
    expect(await send(`${url}/length`)).toMatchObject({ body: "12345" });
  });

  test("a connection serves many requests, pipelined ones in order", async () => {
    const { client } = await connected();
    const paths = ["/status?code=201", "/length", "/status?code=202", "/nothing"];
    client.write(
      paths.map((path) => `GET ${path} HTTP/1.1${CRLF}host: web${CRLF}${CRLF}`).join(""),
    );
    const statuses = (): string[] => client.received.match(/HTTP\/1.1 \d+/g) ?? [];
    await expect.poll(statuses).toEqual(["201", "200", "202", "404"].map((it) => `HTTP/1.1 ${it}`));
    const one = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => one.destroy());
    const { url } = shared();
    for (let turn = 0; turn < 20; turn += 1) {
      const { headers } = await send(`${url}/length`, { agent: one });
      expect(headers.connection).not.toBe("close");
    }
  });

  test("HTTP/1.0 gets a response, and the connection is closed", async () => {
    const { client } = await connected();
    client.write(`GET /length HTTP/1.0${CRLF}host: web${CRLF}${CRLF}`);
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.received).toMatch(/^HTTP\/1.[01] 200 [^]*12345$/);
  });

  test("a request that arrives byte by byte is served", async () => {
    const { client } = await connected();
    client.socket.setNoDelay(true);
    const bytes = `POST /echo HTTP/1.1${CRLF}host: web${CRLF}content-length: 3${CRLF}${CRLF}abc`;
    for (const byte of bytes) {
      client.write(byte);
      await new Promise(setImmediate);
    }
    await expect.poll(() => client.received).toMatch(/200 [^]*"bytes":3/);
  });

  test("a client that never finishes the head of its request is disconnected", async () => {
    const { client } = await connected();
    client.write(`GET /echo HTTP/1.1${CRLF}host: web${CRLF}x-slow: `);
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.received).toMatch(/^(HTTP\/1.1 408 [^]*)?$/);
  });

  test("a tunnel carries bytes in both directions, and ends at both ends", async () => {
    const world = await served();
    const client = openTunnel(world.url);
    onTestFinished(() => client.close());
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 101 [^]*upgrade: websocket/i);
    const content = randomBytes(MEGABYTE).toString("hex");
    client.write(content);
    await expect.poll(() => client.received.endsWith(content)).toBe(true);
    await world.task("blue", 0).kill();
    await expect.poll(() => client.isClosed).toBe(true);
  });

  test("a refused upgrade is an ordinary response, after which nothing is tunnelled", async () => {
    const { url } = await served();
    const client = openTunnel(url, "/refused");
    onTestFinished(() => client.close());
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 426 [^]*no$/);
    client.write(
      `GET /smuggled?by=refusal HTTP/1.1${CRLF}host: web${CRLF}x-lane: green${CRLF}${CRLF}`,
    );
    await expect.poll(() => client.isClosed || /HTTP\/1.1 404/.test(client.received)).toBe(true);
    expect(
      shared()
        .got("/smuggled?by=refusal")
        .every((line) => line.startsWith("blue")),
    ).toBe(true);
  });
}
