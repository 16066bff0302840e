import type { Socket } from "node:net";

/** Connections that wait while no worker can take them; more are closed. */
const WAITING_MAX = 4_096;
/** They are told to come back after so long: a service that cannot start, such as without its database, is away. */
const WAITING_MS_MAX = 20_000;
const FAREWELL_MS_MAX = 1_000;

const AWAY = JSON.stringify({
  type: "about:blank",
  title: "Service Unavailable",
  status: 503,
  detail: "The service cannot start at the moment. Try again soon.",
});
const REFUSAL = [
  "HTTP/1.1 503 Service Unavailable",
  "content-type: application/problem+json",
  `content-length: ${Buffer.byteLength(AWAY)}`,
  "retry-after: 2",
  "connection: close",
  "",
  AWAY,
].join("\r\n");

/** Where connections wait for a worker, each for a while. */
export type WaitingRoom = {
  enter(socket: Socket): void;
  /** All of them, for whoever takes them now. */
  leave(): Socket[];
  /** Nobody will come for them any more. */
  close(): void;
};

export function openWaitingRoom(waitMsMax = WAITING_MS_MAX): WaitingRoom {
  const waiting = new Map<Socket, NodeJS.Timeout>();
  let isClosed = false;

  function leave(): Socket[] {
    const sockets = [...waiting.keys()];
    for (const late of waiting.values()) clearTimeout(late);
    waiting.clear();
    return sockets;
  }
  return {
    enter(socket) {
      if (isClosed || waiting.size >= WAITING_MAX) return void socket.destroy();
      const late = setTimeout(() => {
        waiting.delete(socket);
        refuse(socket);
      }, waitMsMax);
      waiting.set(socket, late);
    },
    leave,
    close() {
      isClosed = true;
      for (const socket of leave()) socket.destroy();
    },
  };
}

/** Whatever was asked, without looking at it; what is not read would have the answer thrown away on its way. */
function refuse(socket: Socket): void {
  socket.resume().end(REFUSAL);
  setTimeout(() => socket.destroy(), FAREWELL_MS_MAX).unref();
}
