import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Listens on loopback: on the preferred port when it is free, else on any. Returns the port. */
export async function listenLoopback(server: Server, portPreferred: number): Promise<number> {
  try {
    server.listen(portPreferred, "127.0.0.1");
    await once(server, "listening");
  } catch {
    // The preferred port is only for the log's continuity: any other serves as well.
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

/** A port that was free a moment ago, for a program that cannot pick one itself. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenLoopback(server, 0);
  server.close();
  await once(server, "close");
  return port;
}
