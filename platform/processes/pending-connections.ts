import type { Socket } from "node:net";

/** Connections beyond this number are closed. */
const PENDING_MAX = 4_096;
/** How long a connection waits for a worker before it is answered 503. */
const WAIT_MS_MAX = 20_000;
/** How long a client may take to read the 503. */
const LINGER_MS_MAX = 1_000;

const PROBLEM = JSON.stringify({
  type: "about:blank",
  title: "Service Unavailable",
  status: 503,
  detail: "The service cannot start at the moment. Try again soon.",
});
const UNAVAILABLE = [
  "HTTP/1.1 503 Service Unavailable",
  "content-type: application/problem+json",
  `content-length: ${Buffer.byteLength(PROBLEM)}`,
  "retry-after: 2",
  "connection: close",
  "",
  PROBLEM,
].join("\r\n");

/** Accepted connections that no worker can take yet. */
export type PendingConnections = {
  add(socket: Socket): void;
  /** Removes and returns all of them. */
  takeAll(): Socket[];
  /** Closes all of them, and every connection that is added later. */
  close(): void;
};

export function openPendingConnections(waitMsMax = WAIT_MS_MAX): PendingConnections {
  const timers = new Map<Socket, NodeJS.Timeout>();
  let isClosed = false;

  function takeAll(): Socket[] {
    const sockets = [...timers.keys()];
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    return sockets;
  }
  return {
    add(socket) {
      if (isClosed || timers.size >= PENDING_MAX) return void socket.destroy();
      const timer = setTimeout(() => {
        timers.delete(socket);
        answerUnavailable(socket);
      }, waitMsMax);
      timers.set(socket, timer);
    },
    takeAll,
    close() {
      isClosed = true;
      for (const socket of takeAll()) socket.destroy();
    },
  };
}

/** Answers without parsing the request. It must be read all the same: closing with unread data resets the connection. */
function answerUnavailable(socket: Socket): void {
  socket.resume().end(UNAVAILABLE);
  setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref();
}
