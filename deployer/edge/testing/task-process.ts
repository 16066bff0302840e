import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import type { FromTask, Mode, ToTask } from "./test-task.ts";

/*
 * A task for the tests of edges: task-process.ts NAME RELEASE LEDGER. It notes each request in the ledger before it
 * answers. The path says how it answers, and the mode how it misbehaves.
 */

const [name = "", release = "", ledger = ""] = process.argv.slice(2);
const CHUNK_BYTES = 64 * 1024;
const HELD_FOR_MS_MAX = 60_000;

let mode: Mode = "good";
let released = Promise.withResolvers<void>();
const report = (message: FromTask): void => void process.send?.(message);

const server = createServer((request, response) => {
  const { method = "", url = "", headers } = request;
  const key = headers["x-request"] ?? headers["idempotency-key"] ?? "-";
  appendFileSync(ledger, `${name} ${method} ${url} ${String(key)}\n`);
  response.setHeader("x-release", release);
  response.setHeader("x-task", name);
  response.on("close", () => report({ closed: url, complete: response.writableFinished }));
  if (mode === "hangs-up")
    response.on("finish", () => setImmediate(() => request.socket.destroy()));
  if (url === "/healthz") checked(response);
  else if (mode === "breaks") request.socket.destroy();
  else if (mode !== "hangs") void answer(request, response);
});

function checked(response: ServerResponse): void {
  if (mode !== "health-hangs") response.writeHead(mode === "unhealthy" ? 503 : 200).end();
}

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/echo": echo,
  // Answers only when the test says so.
  "/held": async (response) => {
    await released.promise;
    response.end("held");
  },
  "/stream": async (response) => {
    response.setHeader("content-type", "text/event-stream");
    response.write("data: first\n\n");
    await released.promise;
    response.end("data: second\n\n");
  },
  "/big": async (response, request) => {
    const bytes = numberIn(request, "bytes");
    response.setHeader("content-length", bytes);
    for (let sent = 0; sent < bytes; sent += CHUNK_BYTES) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes - sent), sent / CHUNK_BYTES);
      if (!response.write(chunk)) await once(response, "drain");
    }
    response.end();
  },
  "/status": (response, request) => {
    response.writeHead(numberIn(request, "code")).end();
  },
  "/length": (response) => {
    response.writeHead(200, { "content-length": 5 }).end("12345");
  },
  // Before the request has been read.
  "/early": (response) => {
    response.writeHead(413, { "content-length": 5 }).end("early");
  },
  "/hints": (response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("after hints");
  },
  "/trailers": (response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("body");
    response.addTrailers({ "x-sum": "42" });
    response.end();
  },
  "/cut": async (response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write("only this");
    await released.promise;
    response.destroy();
  },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const found = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : undefined;
  if (found === undefined) response.writeHead(404).end();
  else await found(response, request);
}

/** All that the task got. */
async function echo(response: ServerResponse, request: IncomingMessage): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of request) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- requests have no encoding here
      const part = chunk as Buffer;
      bytes += part.length;
      hash.update(part);
    }
  } catch {
    return; // The client is gone.
  }
  const { method, url, headers } = request;
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({
      task: name,
      release,
      method,
      url,
      headers,
      bytes,
      sha256: hash.digest("hex"),
    }),
  );
}

const numberIn = ({ url = "" }: IncomingMessage, field: string): number =>
  Number(new URL(url, "http://task").searchParams.get(field));

// A tunnel that begins with the name of the task and then sends everything back.
server.on("upgrade", (request, socket, head) => {
  appendFileSync(
    ledger,
    `${name} UPGRADE ${request.url} ${String(request.headers["x-request"])}\n`,
  );
  socket.on("error", () => undefined);
  if (mode === "breaks") return void socket.destroy();
  if (request.url === "/held") {
    socket.on("close", () => report({ closed: "/held", complete: false }));
    socket.resume().on("end", () => socket.end());
    return undefined;
  }
  if (request.url !== "/socket") {
    socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno");
    return undefined;
  }
  const { upgrade = "", "sec-websocket-key": key = "" } = request.headers;
  // RFC 6455, section 4.2.2; an edge may refuse a response without it.
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: ${upgrade}\r\nconnection: upgrade\r\n` +
      `sec-websocket-accept: ${accept.digest("base64")}\r\n\r\n${name}\n`,
  );
  socket.write(head);
  return void socket.pipe(socket);
});

process.on("message", (message: ToTask) => {
  if ("mode" in message) mode = message.mode;
  if ("release" in message) {
    released.resolve();
    released = Promise.withResolvers();
  }
  report({ done: true });
});
process.on("disconnect", () => process.exit(0));

// Waits for slow tests, and ends with the test run.
server.requestTimeout = HELD_FOR_MS_MAX;
server.keepAliveTimeout = HELD_FOR_MS_MAX;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) report({ port: address.port });
});
