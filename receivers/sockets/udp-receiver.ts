import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

import type { Clock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";

import type { Receiver } from "../receiver.ts";
import { DatagramQueue } from "./datagram-queue.ts";
import type { DatagramDecoder, Keep } from "./decoder.ts";
import { kernelDrops } from "./kernel-drops.ts";

/** The kernel may grant less (net.core.rmem_max). */
const KERNEL_BUFFER_BYTES = 16 * 1024 * 1024;
const LIMITS = { bytesMax: 32 * 1024 * 1024, bytesPerSecond: 32 * 1024 * 1024 };
const COUNT_EVERY_MS = 1_000;

export type UdpReceiverOptions = {
  /** Such as `syslog+udp`. */
  protocol: string;
  listenOn: { host: string; port: number };
  decoder: DatagramDecoder;
  keep: Keep;
  clock: Clock;
  /** Called for events that were lost, also in the kernel. */
  onDropped: (events: number) => void;
  limits?: Partial<typeof LIMITS>;
};

/** Receives events over UDP, and counts what it has to drop. @throws AppError if it cannot listen */
export async function openUdpReceiver(options: UdpReceiverOptions): Promise<Receiver> {
  const { protocol, listenOn, decoder, keep, clock, onDropped } = options;
  const queue = new DatagramQueue({
    ...LIMITS,
    ...options.limits,
    decoder,
    keep,
    onDropped,
    nowMs: () => clock.nowMs(),
  });
  const socket = await bind(listenOn);
  // A shared buffer size that the kernel refuses is no reason not to listen.
  socket.on("error", () => undefined);
  socket.on("message", (datagram, { address }) => queue.push(datagram, address));
  const counter = countLost(socket, decoder, onDropped);
  return {
    address: `${protocol}://${hostOf(listenOn.host)}:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      clearInterval(counter);
      const closed = once(socket, "close");
      socket.close();
      await closed;
      await queue.drain();
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

/** Counts what the kernel dropped, and messages of which parts did not arrive. */
function countLost(
  socket: Socket,
  decoder: DatagramDecoder,
  onDropped: (events: number) => void,
): NodeJS.Timeout {
  const address = socket.address();
  let counted = 0;
  let isCounting = false;
  const count = async (): Promise<void> => {
    const lost = decoder.lost + ((await kernelDrops(address)) ?? 0);
    if (lost > counted) onDropped(lost - counted);
    counted = Math.max(counted, lost);
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
