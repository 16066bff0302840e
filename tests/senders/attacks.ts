import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import type { Ports } from "./receiver.ts";

/** How much of everything a receiver gets at once. */
export type Attack = {
  /** For how long nonsense is sent over UDP as fast as possible. */
  floodMs: number;
  /** Connections to syslog and to the HTTP receiver that never send anything. */
  silentConnections: number;
  silentHttpConnections: number;
  /** Connections that send a byte now and then. */
  slowConnections: number;
  /** Bytes that are sent of a frame that announces 2 GB. */
  frameBytes: number;
};

const DATAGRAM_BYTES = 60_000;
const DATAGRAMS_AT_ONCE = 32;
const BLOCK_BYTES = 1024 * 1024;
const CONNECT_AT_ONCE = 200;
const SLOW_MS = 200;

/** Attacks the receiver in all ways at once, and returns how many bytes a second were sent over UDP. */
export async function attack(ports: Ports, how: Attack): Promise<{ floodBytesPerS: number }> {
  const stop = new AbortController();
  const silent = holdConnections(ports.syslogTcp, how.silentConnections, stop.signal);
  const silentHttp = holdConnections(ports.http, how.silentHttpConnections, stop.signal);
  const slow = sendSlowly(ports.syslogTcp, { count: how.slowConnections, text: "<" }, stop.signal);
  // Requests whose headers never end.
  const slowHttp = sendSlowly(
    ports.http,
    { count: how.slowConnections, text: "A: b\r\n" },
    stop.signal,
  );
  const frame = sendFrame(ports.syslogTcp, how.frameBytes);
  const floodBytesPerS = await flood(ports.syslogUdp, how.floodMs);
  await frame;
  stop.abort();
  await Promise.all([silent, silentHttp, slow, slowHttp]);
  return { floodBytesPerS };
}

async function flood(port: number, ms: number): Promise<number> {
  const socket = createSocket({ type: "udp4", sendBufferSize: 8 * 1024 * 1024 });
  const nonsense = Buffer.alloc(DATAGRAM_BYTES, "nonsense\u0001\u00ff<1");
  const startMs = performance.now();
  let bytes = 0;
  while (performance.now() - startMs < ms) {
    const sending = Array.from(
      { length: DATAGRAMS_AT_ONCE },
      () =>
        new Promise<void>((resolve) => {
          socket.send(nonsense, port, "127.0.0.1", (error) => {
            if (!error) bytes += nonsense.length;
            resolve();
          });
        }),
    );
    await Promise.all(sending);
  }
  socket.close();
  return bytes / (ms / 1_000);
}

/** A refused or closed connection is no failure of the attack. */
async function opened(port: number): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  return once(socket, "connect").then(
    () => socket,
    () => undefined,
  );
}

async function holdConnections(port: number, count: number, signal: AbortSignal): Promise<void> {
  const sockets: (Socket | undefined)[] = [];
  while (sockets.length < count && !signal.aborted) {
    const some = Array.from({ length: CONNECT_AT_ONCE }, () => opened(port));
    sockets.push(...(await Promise.all(some)));
  }
  if (!signal.aborted) await once(signal, "abort");
  for (const socket of sockets) socket?.destroy();
}

async function sendSlowly(
  port: number,
  { count, text }: { count: number; text: string },
  signal: AbortSignal,
): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, () => opened(port)));
  while (!signal.aborted) {
    for (const socket of sockets) if (socket?.writable) socket.write(text);
    await delay(SLOW_MS);
  }
  for (const socket of sockets) socket?.destroy();
}

async function sendFrame(port: number, bytes: number): Promise<void> {
  const socket = await opened(port);
  if (!socket) return;
  const block = Buffer.alloc(BLOCK_BYTES, "x");
  socket.write("2147483647 <13>");
  for (let sent = 0; sent < bytes && socket.writable; sent += block.length) {
    if (!socket.write(block)) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  }
  socket.destroy();
}
