import type { Socket } from "node:net";

import { createHttpServer } from "../http/server.ts";
import { startingListener } from "../http/starting.ts";

/** Connections beyond this number are closed. */
const PENDING_MAX = 4_096;
/** Time without a ready worker after which connections are answered with 503. */
const WAIT_MS_MAX = 10_000;
/** Time for a client to send its request and read the 503. */
const LINGER_MS_MAX = 5_000;

/** Accepted connections that no worker can take yet. */
export type PendingConnections = {
  add(socket: Socket): void;
  /** Responds to its request with 503. */
  refuse(socket: Socket): void;
  /** Removes and returns all of them. */
  takeAll(): Socket[];
  /** Closes all of them, and every connection that is added later. */
  close(): void;
};

export function openPendingConnections(waitMsMax = WAIT_MS_MAX): PendingConnections {
  const timers = new Map<Socket, NodeJS.Timeout>();
  const server = createHttpServer().on("request", startingListener("This API"));
  /** Time at which the first of the pending connections was added. */
  let sinceMs: number | undefined;
  let isClosed = false;

  function takeAll(): Socket[] {
    const sockets = [...timers.keys()];
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    sinceMs = undefined;
    return sockets;
  }
  function refuse(socket: Socket): void {
    if (isClosed) return void socket.destroy();
    setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref();
    server.emit("connection", socket);
    // It was paused so that a worker would read it.
    socket.resume();
  }
  return {
    refuse,
    add(socket) {
      if (isClosed || timers.size >= PENDING_MAX) return void socket.destroy();
      const nowMs = performance.now();
      sinceMs ??= nowMs;
      const timer = setTimeout(
        () => {
          timers.delete(socket);
          refuse(socket);
        },
        Math.max(0, sinceMs + waitMsMax - nowMs),
      );
      timers.set(socket, timer);
    },
    takeAll,
    close() {
      isClosed = true;
      for (const socket of takeAll()) socket.destroy();
    },
  };
}
