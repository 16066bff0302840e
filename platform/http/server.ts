import { type Server, createServer } from "node:http";
import type { Socket } from "node:net";

import { hostOf, listen } from "../listen.ts";
import type { Supervisor } from "../processes/supervisor.ts";

const DRAIN_MS_MAX = 10_000;
/** So long a connection that is idle when a worker stops is left open: a request may be on its way on it. */
const IDLE_MS = 500;
/** Longer than load balancers keep theirs (60 s): one that sends on a connection as it is closed answers 502. */
const KEEP_ALIVE_MS = 65_000;
/** Who sends slower holds a connection for nothing, and is cut off (408). */
export const HEADERS_MS = 15_000;
export const REQUEST_MS = 60_000;

/** The HTTP server of one process: it listens itself, or gets its connections from the supervisor of its process. */
export type ApiServer = {
  server: Server;
  /** Where it is reached. */
  url: string;
  /** No new connections; ends those that are open as soon as no request is on them. */
  drain(): Promise<void>;
};

type Listen = { host: string; port?: number | undefined; supervisor?: Supervisor | undefined };

/** An HTTP server with the limits of every port. */
export const createHttpServer = (): Server =>
  createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 5_000,
    // A request without a body is complete with its headers: there is nothing to wait for.
    optimizeEmptyRequests: true,
    // The listener refuses it, with a reason.
    requireHostHeader: false,
  });

/** @throws AppError when the port cannot be had */
export async function openServer({ host, port = 0, supervisor }: Listen): Promise<ApiServer> {
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
    supervisor?.url ??
    `http://${hostOf(host)}:${await listen(server, { host, port, ifTaken: "fail" })}`;
  // Node watches for slow requests and idle connections once a server listens; this one never does, yet it serves.
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
      // Where the processor was away meanwhile, timers come before what has arrived: that is read first.
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
