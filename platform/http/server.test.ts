import { once } from "node:events";
import type { Server } from "node:http";
import { type Socket, connect, createServer } from "node:net";
import { setImmediate } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { listen } from "../listen.ts";
import { createHttpServer, openServer } from "./server.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

/** A server with a short limit for stalled clients, and a connection to it. */
async function connected(): Promise<{ server: Server; client: Socket; sockets: Socket[] }> {
  const server = createHttpServer();
  server.timeout = 100;
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  const port = await listen(server, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const client = connect(port, "127.0.0.1").on("error", () => undefined);
  onTestFinished(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, client, sockets };
}

test("a client that does not read its response is disconnected", async () => {
  const { server, client, sockets } = await connected();
  server.on("request", (_, outgoing) => void outgoing.end(Buffer.alloc(64 * 1024 * 1024)));
  client.pause();
  client.write(REQUEST);
  await expect.poll(() => sockets[0]?.writableLength).toBeGreaterThan(0);
  await expect.poll(() => sockets[0]?.destroyed).toBe(true);
});

test("a request whose response takes long keeps its connection, which is closed when it is idle", async () => {
  const { server, client } = await connected();
  server.keepAliveTimeout = 50;
  server.on("request", (_, outgoing) => void server.once("timeout", () => outgoing.end("late")));
  let text = "";
  client.setEncoding("latin1").on("data", (part) => (text += part));
  client.write(REQUEST);
  await expect.poll(() => text).toContain("late");
  await once(client, "close");
});

test("a request received before a worker stopped gets a response, even after a delay of the event loop", async () => {
  let accept: (socket: Socket) => void = () => undefined;
  const { server, drain } = await openServer({
    host: "127.0.0.1",
    supervisor: {
      url: "http://here",
      onConnection: (accepts) => (accept = accepts),
      onMetrics: () => undefined,
      allMetrics: () => Promise.resolve([]),
    },
  });
  server.on("request", (_, outgoing) => void outgoing.end("here"));
  const dispatcher = createServer((socket) => accept(socket)).listen(0, "127.0.0.1");
  await once(dispatcher, "listening");
  const address = dispatcher.address();
  const client = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1");
  let text = "";
  client.setEncoding("latin1").on("data", (part) => (text += part));
  client.write(REQUEST);
  await expect.poll(() => text).toContain("here");
  // From here on, timers run before received data is read.
  await setImmediate();
  client.write(REQUEST);
  const drained = drain();
  // Longer than idle connections are left open.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  await Promise.all([drained, once(client, "close")]);
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  dispatcher.close();
});
