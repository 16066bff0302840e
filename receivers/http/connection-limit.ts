import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Limits the connections of a server. For a new one too many, the one that has been without a request for the longest time is
 * closed, so that connections that never send anything keep out nobody; if each has a request, the new one is closed.
 */
export function limitConnections(server: Server, connectionsMax: number): void {
  /** Those without a request, in the order in which they began to be. */
  const idle = new Set<Socket>();
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open += 1;
    idle.add(socket);
    socket.once("close", () => {
      open -= 1;
      idle.delete(socket);
    });
    const [longest] = idle;
    if (open > connectionsMax) longest?.destroy();
  });
  server.on("request", ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    idle.delete(socket);
    outgoing.once("close", () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}
