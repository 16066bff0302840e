import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { listen } from "#platform/listen.ts";

import { limitConnections } from "./connection-limit.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

const untilClosed = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await once(socket, "close");
};

/** A server for three connections, whose responses the test ends, and how it is connected to. */
async function limited() {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => void responses.push(response));
  limitConnections(server, 3);
  const port = await listen(server, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const open = async (request = ""): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    socket.resume().write(request);
    return socket;
  };
  return { responses, open };
}

test("silent connections keep out nobody, and those with a request stay open", async () => {
  const { responses, open } = await limited();
  const busy = await open(REQUEST);
  await expect.poll(() => responses).toHaveLength(1);
  const silent = [await open(), await open(), await open(), await open()];
  await Promise.all(silent.slice(0, 2).map(untilClosed));
  const other = await open(REQUEST);
  await expect.poll(() => responses).toHaveLength(2);
  expect([busy.closed, other.closed]).toEqual([false, false]);
});

test("a connection whose request was answered gives way, longest idle first", async () => {
  const { responses, open } = await limited();
  const answered = await open(REQUEST);
  await expect.poll(() => responses).toHaveLength(1);
  responses[0]?.end();
  await once(answered, "data");
  const others = [await open(REQUEST), await open(REQUEST), await open(REQUEST)];
  await untilClosed(answered);
  await expect.poll(() => responses).toHaveLength(4);
  // Each has a request now, so the next one finds no place.
  const late = await open(REQUEST);
  await untilClosed(late);
  expect(others.map(({ closed }) => closed)).toEqual([false, false, false]);
});
