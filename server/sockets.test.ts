import { createServer } from "node:http";
import type { Socket as TcpSocket } from "node:net";

import { io, type Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";

import type { LiveFrame } from "#dashboards/api.ts";
import { NO_STATUS } from "#pipeline/live-link/messages.ts";
import type { TailListener } from "#pipeline/live-link/subscriber.ts";
import { listen } from "#platform/listen.ts";
import { silentLog } from "#platform/log.ts";

import { openSockets } from "./sockets.ts";
import { fileWith } from "./sources/testing-sources.ts";
import { SilentReader } from "./viewers/testing-client.ts";

const MB = 1024 * 1024;

/** Large, so that the buffers of the kernel are full after a few frames. */
const ROUTES = Array.from({ length: 20 }, (_, n) => ({
  route: `${n}/${"x".repeat(40_000)}`,
  requests: 1,
  errors: 0,
  p95Ms: null,
}));

/** Sockets of a workspace in which each frame has one new second. */
async function openLive() {
  const http = createServer();
  const port = await listen(http, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  const state = { nowMs: 0, frames: 0, warnings: 0, tail: undefined as TailListener | undefined };
  const base = (dataset: string, seconds: LiveFrame["seconds"]): LiveFrame => ({
    dataset,
    atMs: state.nowMs,
    newestArrivalMs: null,
    newestEventMs: null,
    seconds,
    metrics: {},
    instances: [],
    topRoutes: dataset === "large" ? ROUTES : [],
    topRoutesShortfallMax: 0,
    turnover: {
      "5": { signIns: 0, signOuts: 0 },
      "15": { signIns: 0, signOuts: 0 },
      "60": { signIns: 0, signOuts: 0 },
    },
    hasIndexer: true,
  });
  const log = { ...silentLog(), warn: () => (state.warnings += 1) };
  const admitted = (): Promise<string> => Promise.resolve("member");
  const sockets = openSockets({
    http,
    workspace: () => ({
      live: {
        frame(dataset) {
          state.frames += 1;
          return base(dataset, [{ tMs: state.frames * 1_000, requests: state.frames }]);
        },
        snapshot: (dataset) => base(dataset, []),
      },
      kind: "logs",
      hasIndexer: () => true,
      tail(_filter, listener) {
        state.tail = listener;
        return () => (state.tail = undefined);
      },
    }),
    checkOrigin: () => undefined,
    problems: () => [],
    sources: {
      workspace: () => ({
        kind: "logs",
        status: () => ({ ...NO_STATUS, indexers: 1, indexerFailure: null }),
        watchSources: () => undefined,
      }),
      sourcesFile: fileWith(""),
      listeners: () => ({ listening: [], statuses: [] }),
      maySee: admitted,
      mayManage: admitted,
    },
    deploys: {
      deploys: { ask: () => Promise.reject(new Error("no page about deploys is open")) },
      callerOf: () => Promise.reject(new Error("no page about deploys is open")),
    },
    mayWatch: admitted,
    isMember: admitted,
    mayFollow: admitted,
    clock: { nowMs: () => state.nowMs },
    log,
  });
  onTestFinished(async () => {
    http.closeAllConnections();
    await sockets.close();
  });
  const serverSides = new Map<number, TcpSocket>();
  http.on("connection", (socket) => serverSides.set(socket.remotePort ?? 0, socket));
  return {
    port,
    sockets,
    state,
    /** Bytes that the server buffers for the client outside the kernel. */
    bufferedFor: ({ tcp }: SilentReader): number =>
      serverSides.get(tcp.localPort ?? 0)?.writableLength ?? 0,
    async view(dataset: string) {
      const socket: Socket = io(`http://127.0.0.1:${port}`, {
        path: "/socket",
        transports: ["websocket"],
        forceNew: true,
      });
      onTestFinished(() => void socket.close());
      const frames: LiveFrame[] = [];
      socket.on("frame", (frame: LiveFrame) => frames.push(frame));
      await occurs(socket, "connect");
      socket.emit("watch", { dataset });
      return { socket, frames };
    },
    async silent(dataset: string): Promise<SilentReader> {
      const client = await SilentReader.open(port);
      onTestFinished(() => void client.tcp.destroy());
      client.send(`42["watch",{"dataset":"${dataset}"}]`);
      return client;
    },
  };
}

const occurs = (socket: Socket, event: string): Promise<void> =>
  new Promise((resolve) => void socket.once(event, () => resolve()));

type Pausable = { pause(): void; resume(): void };

/** The WebSocket below a socket of this process, which, unlike a browser's, can stop reading. */
function webSocketOf(socket: Socket): Pausable {
  const ws: unknown = Reflect.get(socket.io.engine.transport, "ws");
  if (!isPausable(ws)) throw new Error("the client has no WebSocket that can be paused");
  return ws;
}

const isPausable = (value: unknown): value is Pausable =>
  typeof value === "object" && value !== null && "pause" in value && "resume" in value;

/** The number in each second that a viewer was sent, by second. */
const secondsOf = (frames: readonly LiveFrame[]): Map<number, number | undefined> =>
  new Map(frames.flatMap(({ seconds }) => seconds.map((it) => [it.tMs, it["requests"]])));

test("a client that answers heartbeats and does not read makes little wait, then is disconnected, and others get every frame", async () => {
  const live = await openLive();
  const good = await live.view("large");
  const silent = await live.silent("large");
  await expect.poll(() => live.bufferedFor(silent)).toBeGreaterThan(0);
  const framesBefore = live.state.frames;
  let bufferedMax = 0;
  await expect
    .poll(() => {
      if (live.state.frames % 2 === 0) silent.send("3");
      bufferedMax = Math.max(bufferedMax, live.bufferedFor(silent));
      return live.state.frames;
    })
    .toBeGreaterThan(framesBefore + 15);
  // What Node buffers is one message that the kernel has not taken completely, and none of those after it.
  expect(bufferedMax).toBeLessThan(2 * MB);
  expect([live.sockets.viewers(), live.state.warnings]).toEqual([2, 0]);
  live.state.nowMs += 30_000;
  await expect.poll(() => live.sockets.viewers()).toBe(1);
  expect(live.state.warnings).toBe(1);
  const until = live.state.frames;
  await expect.poll(() => secondsOf(good.frames).has(until * 1_000)).toBe(true);
  const seen = [...secondsOf(good.frames).keys()];
  const first = (seen[0] ?? 0) / 1_000;
  expect(seen.slice(0, until - first + 1)).toEqual(
    Array.from({ length: until - first + 1 }, (_, n) => (first + n) * 1_000),
  );
});

test("a viewer that reads again after it missed frames has every second with its last value", async () => {
  const live = await openLive();
  const viewer = await live.view("large");
  await expect.poll(() => viewer.frames.length).toBeGreaterThan(2);
  const ws = webSocketOf(viewer.socket);
  ws.pause();
  const pausedAt = live.state.frames;
  await expect.poll(() => live.state.frames).toBeGreaterThan(pausedAt + 40);
  ws.resume();
  const resumedAt = live.state.frames;
  await expect.poll(() => secondsOf(viewer.frames).has((resumedAt + 3) * 1_000)).toBe(true);
  const seen = secondsOf(viewer.frames);
  const first = Math.min(...seen.keys()) / 1_000;
  for (let frame = first; frame <= resumedAt; frame += 1) {
    expect(seen.get(frame * 1_000)).toBe(frame);
  }
  // Otherwise none was dropped, and the test shows nothing.
  expect(viewer.frames.length).toBeLessThan(resumedAt - first);
});

test("events for a client that does not read are counted, not kept", async () => {
  const live = await openLive();
  const { socket } = await live.view("large");
  const tails: { events: unknown[]; skipped: number }[] = [];
  socket.on("tail", (tail: (typeof tails)[number]) => tails.push(tail));
  socket.emit("tail", { q: "" });
  await expect.poll(() => live.state.tail).toBeDefined();
  const ws = webSocketOf(socket);
  ws.pause();
  const pausedAt = live.state.frames;
  await expect.poll(() => live.state.frames).toBeGreaterThan(pausedAt + 40);
  const event = { id: "src_a:1" as const, fields: { message: "y".repeat(10_000) } };
  const send = (): void => live.state.tail?.([event], 0);
  for (let n = 0; n < 1_000; n += 1) send();
  ws.resume();
  await expect.poll(() => (send(), tails.length)).toBeGreaterThan(0);
  expect(tails[0]?.events).toHaveLength(1);
  expect(tails[0]?.skipped).toBeGreaterThanOrEqual(1_000);
});

test("a client that floods the server with pings and reads no response is disconnected", async () => {
  const live = await openLive();
  const silent = await live.silent("small");
  await expect.poll(() => live.sockets.viewers()).toBe(1);
  let bufferedMax = 0;
  const flood = (): number => {
    if (!silent.isClosed && silent.tcp.writableLength < MB) silent.ping(5_000);
    bufferedMax = Math.max(bufferedMax, live.bufferedFor(silent));
    return live.sockets.viewers();
  };
  await expect.poll(flood, { interval: 5 }).toBe(0);
  // Within the interval in which it is looked at.
  expect(bufferedMax).toBeLessThan(64 * MB);
});

test("a client that sends more messages than a page ever does is disconnected", async () => {
  const live = await openLive();
  const { socket } = await live.view("small");
  socket.io.reconnection(false);
  const closed = occurs(socket, "disconnect");
  for (let n = 0; n < 500; n += 1) socket.emit("watch", { dataset: `d${n}` });
  await closed;
  await expect.poll(() => live.sockets.viewers()).toBe(0);
});

test("a member has a limited number of sockets, and a closed one makes room", async () => {
  const live = await openLive();
  const clients = await Promise.all(Array.from({ length: 250 }, () => live.silent("small")));
  await expect.poll(() => live.sockets.viewers()).toBe(250);
  const refused = io(`http://127.0.0.1:${live.port}`, {
    path: "/socket",
    transports: ["polling"],
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 50,
  });
  onTestFinished(() => void refused.close());
  await occurs(refused, "connect_error");
  clients[0]?.tcp.destroy();
  await occurs(refused, "connect");
});
