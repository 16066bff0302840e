import { type Server, createServer } from "node:http";
import type { Socket } from "node:net";

import { hostOf, listen } from "../listen.ts";
import type { Supervisor } from "../processes/supervisor.ts";

const DRAIN_MS_MAX = 10_000;
/** Time for which idle connections stay open when a worker stops, as a request may be in transit. */
const IDLE_MS = 500;
/**
 * Longer than load balancers keep connections (60 s): they send 502 if a connection closes while they send a request.
 */
const KEEP_ALIVE_MS = 65_000;
/** Slower clients get 408, because they occupy a connection. */
export const HEADERS_MS = 15_000;
export const REQUEST_MS = 60_000;
/** A client that reads nothing of its response for this long is disconnected, because the response occupies memory. */
const STALLED_MS = 60_000;

/** The HTTP server of a process, which listens itself or gets its connections from a supervisor. */
export type ApiServer = {
  server: Server;
  /** Its address. */
  url: string;
  /** Accepts no new connections, and closes the open ones as soon as they have no request. */
  drain(): Promise<void>;
};

type Listen = {
  host: string;
  port?: number | undefined;
  ifTaken?: "next" | "fail";
  supervisor?: Supervisor | undefined;
};

/** An HTTP server with the limits that apply to all ports. */
export function createHttpServer(): Server {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 5_000,
    // A request without a body is complete with its headers.
    optimizeEmptyRequests: true,
    // The listener rejects it with a reason.
    requireHostHeader: false,
  });
  server.setTimeout(STALLED_MS, (socket) => {
    // Node reports idle connections in the same way, with the time for which they are kept. A response that has not
    // begun may take longer.
    const isIdle = socket.timeout !== server.timeout;
    if (isIdle || socket.writableLength > 0) socket.destroy();
  });
  return server;
}

/** @throws AppError when the port cannot be used */
export async function openServer({
  host,
  port = 0,
  ifTaken = "fail",
  supervisor,
}: Listen): Promise<ApiServer> {
  const server = createHttpServer();
  const sockets = new Set<Socket>();
  const state: { drained: (() => void) | undefined } = { drained: undefined };
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) state.drained?.();
    });
  });
  const url =
    supervisor?.url ?? `http://${hostOf(host)}:${await listen(server, { host, port, ifTaken })}`;
  // Node starts its timeouts for slow requests and idle connections on this event, and this server never listens.
  if (supervisor) server.emit("listening");
  supervisor?.onConnection((socket) => void server.emit("connection", socket));
  return {
    server,
    url,
    async drain() {
      const drained = new Promise<void>((resolve) => {
        state.drained = resolve;
      });
      if (server.listening) server.close();
      if (sockets.size === 0) return;
      const closeIdle = (): void => {
        server.closeIdleConnections();
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      };
      if (supervisor === undefined) closeIdle();
      // After a delay of the event loop, timers would run before received data is read, so read it first.
      const idle = setTimeout(() => setImmediate(closeIdle), IDLE_MS);
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, DRAIN_MS_MAX);
      await drained;
      clearTimeout(idle);
      clearTimeout(late);
    },
  };
}
