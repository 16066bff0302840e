import { once } from "node:events";
import { connect, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { silentLog } from "#platform/log.ts";

import { type ConnectionLimits, Connections } from "./connections.ts";
import { DatagramBatch } from "./datagram-batch.ts";
import { DatagramFrames } from "./datagram-frames.ts";
import { type HeldLimits, SocketHolder } from "./socket-holder.ts";
import { openStreamListener } from "./stream-listener.ts";
import { testReceiver } from "./testing-receiver.ts";

const MB = 1024 * 1024;
const GENEROUS = { connectionsMax: 10, perAddressMax: 10, heldBytesMax: MB, eventMsMax: 60_000 };

type Options = { limits?: Partial<ConnectionLimits>; heldLimits?: HeldLimits };

/** A listener with these limits, and a receiver that keeps what it gets. */
async function listenerWith(options: Options) {
  const holder = new SocketHolder();
  const listener = await openStreamListener(holder, {
    protocol: "syslog+tcp",
    source: "syslog+tcp",
    listenOn: { host: "127.0.0.1", port: 0 },
    log: silentLog(),
    checkEveryMs: 20,
    ...options,
  });
  onTestFinished(() => listener[Symbol.asyncDispose]());
  const port = Number(/\d+$/.exec(listener.address)?.[0]);
  const open = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  return { holder, open };
}

async function receiverWith(options: Options) {
  const { holder, open } = await listenerWith(options);
  const receiver = testReceiver(holder);
  onTestFinished(() => receiver.kill());
  return { ...receiver, open };
}

test("connections that never send anything keep out nobody", async () => {
  const { kept, reasons, open } = await receiverWith({ limits: { connectionsMax: 5 } });
  const sender = await open();
  sender.write("<13>first\n");
  await expect.poll(kept).toEqual(["<13>first"]);
  for (let i = 0; i < 30; i += 1) await open();
  const other = await open();
  other.write("<13>other\n");
  sender.write("<13>second\n");
  await expect.poll(() => kept().toSorted()).toEqual(["<13>first", "<13>other", "<13>second"]);
  expect(new Set(reasons())).toEqual(new Set(["connection closed: too many connections"]));
});

test("a connection whose events wait for a receiver is not closed for others that never send anything", async () => {
  const { holder, open } = await listenerWith({ limits: { connectionsMax: 5 } });
  const sender = await open();
  sender.write("<13>first\n");
  for (let i = 0; i < 20; i += 1) await open();
  const receiver = testReceiver(holder);
  onTestFinished(() => receiver.kill());
  await expect.poll(receiver.kept).toEqual(["<13>first"]);
  sender.write("<13>second\n");
  await expect.poll(receiver.kept).toEqual(["<13>first", "<13>second"]);
});

test("one address may not have all connections, and a refused one is closed", async () => {
  const { kept, open } = await receiverWith({ limits: { connectionsMax: 50, perAddressMax: 2 } });
  const senders = [await open(), await open()];
  for (const sender of senders) sender.write("<13>x\n");
  await expect.poll(kept).toHaveLength(2);
  const refused = await open();
  await once(refused, "close");
  for (const sender of senders) sender.write("<13>y\n");
  await expect.poll(kept).toHaveLength(4);
});

test("a sender whose event is not complete in time is disconnected, and an idle one is not", async () => {
  const { kept, reasons, open } = await receiverWith({ limits: { eventMsMax: 50 } });
  const idle = await open();
  idle.write("<13>before\n");
  const slow = await open();
  slow.write("<13>slo");
  await once(slow, "close");
  await expect.poll(reasons).toEqual(["connection closed: too slow"]);
  idle.write("<13>after\n");
  await expect.poll(kept).toEqual(["<13>before", "<13>slo", "<13>after"]);
});

test("a sender is not too slow while what it has sent waits to be read", async () => {
  const connections = new Connections({ ...GENEROUS, eventMsMax: 0 }, () => undefined);
  const [slow, waiting] = [new Socket(), new Socket()];
  for (const socket of [slow, waiting]) {
    connections.add(socket);
    connections.arrived(socket);
    connections.read(socket, { heldBytes: 3, hasEvents: false });
  }
  connections.arrived(waiting);
  await delay(5);
  connections.closeSlow();
  expect([slow.destroyed, waiting.destroyed]).toEqual([true, false]);
});

test("incomplete events of all connections together are bounded", async () => {
  const { reasons, open } = await receiverWith({ limits: { heldBytesMax: 100_000 } });
  const senders = [await open(), await open(), await open()];
  for (const sender of senders) sender.write(`<13>${"x".repeat(45_000)}`);
  await expect.poll(reasons).toEqual(["connection closed: too many incomplete events"]);
});

test.each([
  ["a connection", { connectionBytesMax: MB, bytesMax: 100 * MB }],
  ["all connections", { connectionBytesMax: 100 * MB, bytesMax: MB }],
])(
  "without a receiver senders wait when the memory of %s is full, and nothing is lost",
  async (_, heldLimits) => {
    const { holder, open } = await listenerWith({ heldLimits });
    const sockets = [await open(), await open()];
    const all = `<13>${"x".repeat(995)}\n`.repeat(20_000);
    for (const socket of sockets) socket.end(all);
    // The rest waits in the buffers of the kernel and of the senders.
    await expect
      .poll(() => sockets.every(({ writableLength }) => writableLength > 5_000_000))
      .toBe(true);
    const receiver = testReceiver(holder);
    onTestFinished(() => receiver.kill());
    await expect.poll(() => receiver.kept().length, { timeout: 20_000 }).toBe(40_000);
  },
);

function batchWith(limits: { bytesMax: number; bytesPerSecond: number }) {
  const frames = new DatagramFrames();
  const kept: string[] = [];
  let bytes = 0;
  let dropped = 0;
  const batch = new DatagramBatch({
    held: {
      get hasRoom() {
        return bytes < limits.bytesMax;
      },
      add(chunk) {
        bytes += chunk.length;
        for (const { datagram } of frames.push(chunk)) kept.push(datagram.toString());
      },
    },
    bytesPerSecond: limits.bytesPerSecond,
    onDropped: (datagrams) => (dropped += datagrams),
  });
  return { batch, kept, dropped: () => dropped };
}

test("datagrams for which there is no memory are dropped and counted, and the others keep their order", async () => {
  const { batch, kept, dropped } = batchWith({ bytesMax: 10_000, bytesPerSecond: 1e9 });
  for (let i = 0; i < 2_000; i += 1) {
    batch.add(Buffer.from(`<13>${i}`), "10.0.0.1");
    if (i % 100 === 99) await delay(0);
  }
  await delay(0);
  expect(kept.length + dropped()).toBe(2_000);
  expect(dropped()).toBeGreaterThan(50);
  const numbers = kept.map((text) => Number(text.slice(4)));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test("a flood of datagrams is limited to a rate", () => {
  const { batch, kept, dropped } = batchWith({ bytesMax: 1e9, bytesPerSecond: 100_000 });
  for (let i = 0; i < 1_000; i += 1) batch.add(Buffer.alloc(1_000, "<13>x"), "10.0.0.1");
  batch.flush();
  expect(kept.length).toBeGreaterThanOrEqual(100);
  expect(kept.length + dropped()).toBe(1_000);
  expect(dropped()).toBeGreaterThan(500);
});
