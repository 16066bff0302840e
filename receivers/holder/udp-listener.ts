import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

import { AppError, errorCode } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";

import type { Receiver } from "../receiver.ts";
import { DatagramBatch } from "./datagram-batch.ts";
import { kernelDrops } from "./kernel-drops.ts";
import type { HeldSourceName } from "./messages.ts";
import type { SocketHolder } from "./socket-holder.ts";

const MB = 1024 * 1024;
/** The kernel may grant less (net.core.rmem_max). */
const KERNEL_BUFFER_BYTES = 16 * MB;
const LIMITS = { bytesMax: 64 * MB, bytesPerSecond: 32 * MB };
const COUNT_EVERY_MS = 1_000;
const nothing = (): void => undefined;

export type UdpListenerOptions = HeldSourceName & {
  listenOn: { host: string; port: number };
  limits?: Partial<typeof LIMITS>;
};

/**
 * Receives datagrams, which the holder holds as one connection (datagram-frames.ts). Those that do not fit are dropped and
 * counted, also if the kernel dropped them, because their senders cannot be told to wait. @throws AppError if it cannot listen
 */
export async function openUdpListener(
  holder: SocketHolder,
  { protocol, source, listenOn, limits }: UdpListenerOptions,
): Promise<Receiver> {
  const { bytesMax, bytesPerSecond } = { ...LIMITS, ...limits };
  const held = holder.open(
    {
      protocol,
      source,
      sender: "",
      pause: nothing,
      resume: nothing,
      reply: nothing,
      close: nothing,
      onRead: nothing,
    },
    holder.newMemory({ connectionBytesMax: bytesMax, bytesMax }),
  );
  const onDropped = (datagrams: number): void => holder.dropped({ protocol, source }, datagrams);
  const batch = new DatagramBatch({ held, bytesPerSecond, onDropped });
  const socket = await bind(listenOn);
  // A shared buffer size that the kernel refuses is no reason not to listen.
  socket.on("error", () => undefined);
  socket.on("message", (datagram, { address }) => batch.add(datagram, address));
  const counter = countDrops(socket, onDropped);
  return {
    address: `${protocol}://${hostOf(listenOn.host)}:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      clearInterval(counter);
      const closed = once(socket, "close");
      socket.close();
      await closed;
      batch.flush();
      held.end("whole");
    },
  };
}

async function bind({ host, port }: { host: string; port: number }): Promise<Socket> {
  const type = isIPv6(host) ? "udp6" : "udp4";
  const socket = createSocket({ type, recvBufferSize: KERNEL_BUFFER_BYTES });
  try {
    const listening = once(socket, "listening");
    socket.bind(port, host);
    await listening;
    return socket;
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    const message = `UDP port ${port} of ${host} cannot be used (${code}): choose another one.`;
    throw new AppError("unavailable", message, { cause: error });
  }
}

/** Counts what the kernel dropped. */
function countDrops(socket: Socket, onDropped: (datagrams: number) => void): NodeJS.Timeout {
  const address = socket.address();
  let counted = 0;
  let isCounting = false;
  const count = async (): Promise<void> => {
    const dropped = (await kernelDrops(address)) ?? 0;
    if (dropped > counted) onDropped(dropped - counted);
    counted = Math.max(counted, dropped);
    isCounting = false;
  };
  const timer = setInterval(() => {
    if (isCounting) return;
    isCounting = true;
    void count();
  }, COUNT_EVERY_MS);
  timer.unref();
  return timer;
}
