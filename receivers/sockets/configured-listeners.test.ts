import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { systemClock } from "#platform/clock.ts";
import { freePort } from "#platform/free-port.ts";

import { readActivity } from "../activity/activity-files.ts";
import { testReceivers, type TestReceivers } from "../testing.ts";

const SOON = { timeout: 20_000, interval: 100 };
const HEADER = "<190>Mar 14 10:11:12 edge-1 nginx: ";
const ACCESS =
  '203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET /x HTTP/1.1" 200 343 "-" "curl/8"';

let receivers: TestReceivers;

beforeAll(async () => {
  receivers = await testReceivers();
});
afterAll(() => receivers[Symbol.asyncDispose]());

const configure = (...entries: string[]): Promise<void> =>
  writeFile(
    join(receivers.dataFolder, "sources.yaml"),
    entries.length === 0 ? "" : `sources:\n${entries.map((it) => `  - ${it}\n`).join("")}`,
  );

const states = () =>
  readActivity(receivers.dataFolder, systemClock.nowMs()).flatMap(({ listeners }) => listeners);

async function occupiedPort(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { socket, port: socket.address().port };
}

async function send(port: number, text: string): Promise<void> {
  const socket = createSocket("udp4");
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.send(text, port, "127.0.0.1", () => resolve());
  await promise;
  socket.close();
}

test("a listener of the sources file opens without a restart, as soon as its port is free", async () => {
  const { socket, port } = await occupiedPort();
  await configure(`{id: edge, kind: syslog, transport: udp, port: ${port}}`);
  await expect.poll(states, SOON).toEqual([
    {
      source: "edge",
      address: `syslog+udp://127.0.0.1:${port}`,
      problem: expect.stringContaining(`UDP port ${port} of 127.0.0.1 cannot be used`),
    },
  ]);
  socket.close();
  await expect.poll(() => states()[0]?.problem, SOON).toBeNull();
  await send(port, `${HEADER}${ACCESS}`);
  const [event] = await receivers.stored(1);
  expect(event).toMatchObject({ "data_stream.dataset": "nginx.access", "url.path": "/x" });
  await expect
    .poll(
      () => readActivity(receivers.dataFolder, systemClock.nowMs()).flatMap((it) => it.streams)[0],
      SOON,
    )
    .toMatchObject({ source: "edge", protocol: "syslog+udp", events: 1 });
});

test("a listener that was changed listens on its new port, and one that was removed ends", async () => {
  const port = await freePort();
  await configure(`{id: edge, kind: syslog, transport: tcp, port: ${port}}`);
  const address = `syslog+tcp://127.0.0.1:${port}`;
  await expect.poll(states, SOON).toEqual([{ source: "edge", address, problem: null }]);
  await configure();
  await expect.poll(states, SOON).toEqual([]);
  // Its port is free again.
  const again = createServer().listen(port, "127.0.0.1");
  await once(again, "listening");
  again.close();
});
