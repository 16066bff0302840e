import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { syslogDatagrams, syslogStream } from "../syslog/syslog-decoders.ts";
import type { ConnectionLimits } from "./connections.ts";
import { DatagramQueue } from "./datagram-queue.ts";
import type { Decoded } from "./decoder.ts";
import { openStreamReceiver } from "./stream-receiver.ts";

const TIMES = { zone: UTC, clock };
const textsOf = ({ lines }: Decoded): string[] =>
  Buffer.concat(lines).toString().split("\n").slice(0, -1);

/** A receiver with these limits: what it kept, and why it closed connections. */
async function receiverWith(limits: Partial<ConnectionLimits>, checkEveryMs = 20) {
  const kept: string[] = [];
  const reasons: string[] = [];
  const receiver = await openStreamReceiver({
    protocol: "syslog+tcp",
    listenOn: { host: "127.0.0.1", port: 0 },
    newDecoder: () => syslogStream(TIMES),
    keep: async (decoded) => void kept.push(...textsOf(decoded)),
    refuse: (reason) => void reasons.push(reason),
    log: silentLog(),
    limits,
    checkEveryMs,
  });
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const port = Number(/\d+$/.exec(receiver.address)?.[0]);
  const open = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  return { kept, reasons, open };
}

test("connections that never send anything keep out nobody", async () => {
  const { kept, reasons, open } = await receiverWith({ connectionsMax: 5 });
  const sender = await open();
  sender.write("<13>first\n");
  await expect.poll(() => kept).toEqual(["<13>first"]);
  for (let i = 0; i < 30; i += 1) await open();
  const other = await open();
  other.write("<13>other\n");
  sender.write("<13>second\n");
  await expect.poll(() => kept.toSorted()).toEqual(["<13>first", "<13>other", "<13>second"]);
  expect(new Set(reasons)).toEqual(new Set(["connection closed: too many connections"]));
});

test("one address may not have all connections, and a refused one is closed", async () => {
  const { kept, open } = await receiverWith({ connectionsMax: 50, perAddressMax: 2 });
  const senders = [await open(), await open()];
  for (const sender of senders) sender.write("<13>x\n");
  await expect.poll(() => kept).toHaveLength(2);
  const refused = await open();
  await once(refused, "close");
  for (const sender of senders) sender.write("<13>y\n");
  await expect.poll(() => kept).toHaveLength(4);
});

test("a sender whose event is not complete in time is disconnected, and an idle one is not", async () => {
  const { kept, reasons, open } = await receiverWith({ eventMsMax: 50 });
  const idle = await open();
  idle.write("<13>before\n");
  const slow = await open();
  slow.write("<13>slo");
  await once(slow, "close");
  expect(reasons).toEqual(["connection closed: too slow"]);
  idle.write("<13>after\n");
  await expect.poll(() => kept).toEqual(["<13>before", "<13>slo", "<13>after"]);
});

test("incomplete events of all connections together are bounded", async () => {
  const { reasons, open } = await receiverWith({ heldBytesMax: 100_000 });
  const senders = [await open(), await open(), await open()];
  for (const sender of senders) sender.write(`<13>${"x".repeat(45_000)}`);
  await expect.poll(() => reasons).toEqual(["connection closed: too many incomplete events"]);
});

test("more is read from a connection only after what was read is kept", async () => {
  const { promise: isWritten, resolve: write } = Promise.withResolvers<void>();
  let keeping = 0;
  let keepingMax = 0;
  let bytes = 0;
  const receiver = await openStreamReceiver({
    protocol: "syslog+tcp",
    listenOn: { host: "127.0.0.1", port: 0 },
    newDecoder: () => syslogStream(TIMES),
    async keep({ lines }) {
      keeping += 1;
      keepingMax = Math.max(keepingMax, keeping);
      await isWritten;
      bytes += Buffer.concat(lines).length;
      keeping -= 1;
    },
    refuse: () => undefined,
    log: silentLog(),
  });
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const socket = connect(Number(/\d+$/.exec(receiver.address)?.[0]), "127.0.0.1");
  const line = `<13>${"x".repeat(995)}\n`;
  const all = line.repeat(50_000);
  socket.end(all);
  await expect.poll(() => keeping).toBe(1);
  // The rest waits in the buffers of the kernel and of the sender.
  await expect.poll(() => socket.writableLength).toBeGreaterThan(20_000_000);
  write();
  await expect.poll(() => bytes).toBe(all.length);
  expect(keepingMax).toBe(1);
});

function queueWith(limits: { bytesMax: number; bytesPerSecond: number }) {
  const kept: string[] = [];
  let dropped = 0;
  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>();
  const queue = new DatagramQueue({
    ...limits,
    decoder: syslogDatagrams(TIMES),
    async keep(decoded) {
      await isOpen;
      kept.push(...textsOf(decoded));
    },
    nowMs: () => 0,
    onDropped: (datagrams) => (dropped += datagrams),
  });
  return { queue, kept, open, dropped: () => dropped };
}

test("datagrams that do not fit beside those that are written are dropped and counted", async () => {
  const { queue, kept, open, dropped } = queueWith({ bytesMax: 10_000, bytesPerSecond: 1e9 });
  for (let i = 0; i < 100; i += 1) queue.push(Buffer.from(`<13>${i}`), "10.0.0.1");
  await delay(0);
  for (let i = 100; i < 200; i += 1) queue.push(Buffer.from(`<13>${i}`), "10.0.0.1");
  open();
  await queue.drain();
  expect(kept.length + dropped()).toBe(200);
  expect(dropped()).toBeGreaterThan(50);
  const numbers = kept.map((text) => Number(text.slice(4)));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test("a flood of datagrams is limited to a rate", async () => {
  const { queue, kept, open, dropped } = queueWith({ bytesMax: 1e9, bytesPerSecond: 100_000 });
  open();
  for (let i = 0; i < 1_000; i += 1) queue.push(Buffer.alloc(1_000, "<13>x"), "10.0.0.1");
  await queue.drain();
  expect(kept.length).toBeGreaterThanOrEqual(100);
  expect(kept.length + dropped()).toBe(1_000);
  expect(dropped()).toBeGreaterThan(500);
});
