import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { setImmediate } from "node:timers/promises";

import { expect, test } from "vitest";

import { openServer } from "./server.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

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
