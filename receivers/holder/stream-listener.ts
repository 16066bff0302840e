import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

import { hostOf, listen } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import type { Receiver } from "../receiver.ts";
import { addressOf, type ConnectionLimits, Connections } from "./connections.ts";
import type { HeldSourceName } from "./messages.ts";
import type { HeldLimits, HeldMemory, SocketHolder } from "./socket-holder.ts";
import { listenOnPath } from "./socket-path.ts";

const MB = 1024 * 1024;
const LIMITS: ConnectionLimits = {
  connectionsMax: 1_000,
  perAddressMax: 500,
  heldBytesMax: 32 * MB,
  eventMsMax: 60_000,
};
/** An entry of the journal has 4 MB at most, other events 1 MB. */
const HELD_LIMITS: HeldLimits = { connectionBytesMax: 6 * MB, bytesMax: 64 * MB };
const CHECK_EVERY_MS = 5_000;
const HANDSHAKE_MS_MAX = 10_000;
/** A sender that does not read its answers is not read either. */
const REPLY_BYTES_MAX = 256 * 1024;
/** At the end, senders have so long to close their connections, in which what they have sent is read. */
const DRAIN_MS = 500;

export type StreamListenerOptions = HeldSourceName & {
  listenOn: { host: string; port: number } | { path: string };
  /** With these, connections are encrypted. */
  tls?: TlsOptions;
  log: Log;
  limits?: Partial<ConnectionLimits>;
  heldLimits?: HeldLimits;
  checkEveryMs?: number;
};

/** Accepts connections of which the holder holds what they send. @throws AppError if it cannot listen */
export async function openStreamListener(
  holder: SocketHolder,
  options: StreamListenerOptions,
): Promise<Receiver> {
  const { protocol, source, listenOn, tls, log } = options;
  const connections = new Connections({ ...LIMITS, ...options.limits }, (why, address) =>
    holder.refused(options, address, `connection closed: ${why}`),
  );
  const memory = holder.newMemory(options.heldLimits ?? HELD_LIMITS);
  const onError = (error: Error): void => log.debug("a connection failed", { protocol, error });
  const serve = (socket: Socket, connection: Socket): void => {
    socket.on("error", onError);
    holdAll(socket, { holder, memory, protocol, source, connection, connections });
  };
  const server = tls
    ? createTlsServer({ ...tls, handshakeTimeout: HANDSHAKE_MS_MAX })
    : createServer();
  server.on("connection", (connection: Socket) => {
    connection.on("error", onError);
    if (connections.add(connection) && !tls) serve(connection, connection);
  });
  server.on("secureConnection", (socket: Socket) => {
    const connection = connections.below(socket);
    if (connection) serve(socket, connection);
    else socket.destroy();
  });
  server.on("tlsClientError", onError);
  const address = await listenOnAny(server, listenOn, protocol);
  const check = setInterval(() => {
    // Without a receiver nothing is read, which is not the fault of a sender.
    if (holder.hasReceiver) connections.closeSlow();
  }, options.checkEveryMs ?? CHECK_EVERY_MS);
  check.unref();
  return {
    address,
    async [Symbol.asyncDispose]() {
      clearInterval(check);
      await closeAll(server, connections);
    },
  };
}

async function listenOnAny(
  server: Server,
  listenOn: StreamListenerOptions["listenOn"],
  protocol: string,
): Promise<string> {
  if ("path" in listenOn) {
    await listenOnPath(server, listenOn.path);
    return `${protocol}:${listenOn.path}`;
  }
  const { host } = listenOn;
  const port = await listen(server, { ...listenOn, ifTaken: "fail" });
  return `${protocol}://${hostOf(host)}:${port}`;
}

async function closeAll(server: Server, connections: Connections): Promise<void> {
  const closed = once(server, "close");
  server.close();
  for (const socket of connections.sockets) socket.end();
  const drained = setTimeout(() => {
    for (const socket of connections.sockets) socket.destroy();
  }, DRAIN_MS);
  await closed;
  clearTimeout(drained);
}

type Holding = HeldSourceName & {
  holder: SocketHolder;
  memory: HeldMemory;
  /** The connection below an encrypted one; otherwise the socket itself. */
  connection: Socket;
  connections: Connections;
};

function holdAll(
  socket: Socket,
  { holder, memory, protocol, source, connection, connections }: Holding,
): void {
  let isFull = false;
  const resume = (): void => {
    if (!isFull && !socket.writableNeedDrain) socket.resume();
  };
  const held = holder.open(
    {
      protocol,
      source,
      sender: addressOf(connection),
      pause() {
        isFull = true;
        socket.pause();
      },
      resume() {
        isFull = false;
        resume();
      },
      reply(bytes) {
        if (!socket.writable) return;
        socket.write(bytes);
        if (socket.writableLength > REPLY_BYTES_MAX) socket.pause();
      },
      close: () => void socket.destroy(),
      onRead: (read) => connections.read(connection, read),
    },
    memory,
  );
  socket.on("drain", resume);
  socket.on("data", (bytes: Buffer) => {
    connections.arrived(connection);
    held.add(bytes);
  });
  socket.once("end", () => held.end("whole"));
  // It has no acknowledgement, so nothing is sent again.
  socket.once("close", () => held.end("whole"));
}
