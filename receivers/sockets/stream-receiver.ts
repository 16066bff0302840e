import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

import { listen, hostOf } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import type { Receiver } from "../receiver.ts";
import { addressOf, type ConnectionLimits, Connections } from "./connections.ts";
import { type Decoded, isEmpty, type Keep, type Refuse, type StreamDecoder } from "./decoder.ts";
import { listenOnPath } from "./socket-path.ts";

const LIMITS: ConnectionLimits = {
  connectionsMax: 1_000,
  perAddressMax: 500,
  heldBytesMax: 64 * 1024 * 1024,
  eventMsMax: 60_000,
};
const CHECK_EVERY_MS = 5_000;
/** Read from a connection while what was read before is written: one write and fsync for all of it. */
const READ_BYTES = 256 * 1024;
const HANDSHAKE_MS_MAX = 10_000;
/** At the end, senders have so long to close their connections, in which what they have sent is read. */
const DRAIN_MS = 500;
const OVERLONG = "the rest of an overlong event was skipped";

type ListenOn = { host: string; port: number } | { path: string };

export type StreamReceiverOptions = {
  /** Such as `syslog+tcp`. */
  protocol: string;
  listenOn: ListenOn;
  /** With these, connections are encrypted. */
  tls?: TlsOptions;
  newDecoder: (sender: string) => StreamDecoder;
  keep: Keep;
  /** Also called when the receiver closes a connection. */
  refuse: Refuse;
  log: Log;
  limits?: Partial<ConnectionLimits>;
  checkEveryMs?: number;
};

/**
 * Receives events over connections. What was read from a connection is kept before more is read from it, so a sender waits
 * while its events cannot be kept. @throws AppError if it cannot listen
 */
export async function openStreamReceiver(options: StreamReceiverOptions): Promise<Receiver> {
  const { protocol, listenOn, tls, log } = options;
  const connections = new Connections({ ...LIMITS, ...options.limits }, (why, address) =>
    options.refuse(`connection closed: ${why}`, address),
  );
  const onError = (error: Error): void => log.debug("a connection failed", { protocol, error });
  const serve = (socket: Socket, connection: Socket): void => {
    socket.on("error", onError);
    readAll(socket, { ...options, connection, connections }).catch((error: unknown) => {
      log.warn("a connection was closed because its events cannot be kept", { protocol, error });
      socket.destroy();
    });
  };
  const server = tls
    ? createTlsServer({ ...tls, highWaterMark: READ_BYTES, handshakeTimeout: HANDSHAKE_MS_MAX })
    : createServer({ highWaterMark: READ_BYTES });
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
  const check = setInterval(() => connections.closeSlow(), options.checkEveryMs ?? CHECK_EVERY_MS);
  check.unref();
  return {
    address,
    async [Symbol.asyncDispose]() {
      clearInterval(check);
      await closeAll(server, connections);
    },
  };
}

async function listenOnAny(server: Server, listenOn: ListenOn, protocol: string): Promise<string> {
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

type Reading = Pick<StreamReceiverOptions, "newDecoder" | "keep" | "refuse"> & {
  /** The connection below an encrypted one; otherwise the socket itself. */
  connection: Socket;
  connections: Connections;
};

async function readAll(socket: Socket, reading: Reading): Promise<void> {
  const { connection, connections, keep, refuse } = reading;
  const sender = addressOf(connection);
  const decoder = reading.newDecoder(sender);
  let skippedBytes = 0;
  const take = async (decoded: Decoded): Promise<void> => {
    const hasEvents = !isEmpty(decoded);
    connections.read(connection, { heldBytes: decoder.heldBytes, hasEvents });
    if (decoder.skippedBytes > 0 && skippedBytes === 0) refuse(OVERLONG, sender);
    ({ skippedBytes } = decoder);
    if (hasEvents) await keep(decoded, sender);
    if (decoded.reply && socket.writable && !socket.write(decoded.reply)) {
      await Promise.race([once(socket, "drain"), once(socket, "close")]);
    }
  };
  try {
    for await (const bytes of socket) {
      await take(decoder.push(bytes));
      if (decoder.failure !== undefined) {
        refuse(`connection closed: ${decoder.failure}`, sender);
        break;
      }
    }
  } catch (error) {
    // The sender ended the connection, or it was closed for its limits: what it sent before is kept.
    if (!(error instanceof Error) || !("code" in error)) throw error;
  }
  await take(decoder.end());
}
