import { once } from "node:events";
import type { Server } from "node:net";

/** Listens on loopback: on the preferred port if it is free, otherwise on any. Returns the port. */
export async function listenLoopback(server: Server, portPreferred: number): Promise<number> {
  try {
    server.listen(portPreferred, "127.0.0.1");
    await once(server, "listening");
  } catch {
    // The preferred port only serves to keep upstream addresses in the log stable.
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
