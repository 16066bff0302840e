import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";

/** A TCP proxy in front of a server that injects network faults. */
export type FaultyProxy = AsyncDisposable & {
  /** The server's address through the proxy. */
  url: string;
  /** Drops everything in both directions without closing anything, as when a machine loses its power. */
  stall(): void;
  /** Closes the stalled connections; new ones pass. */
  recover(): void;
  /** Closes the next client connection that sends this text once the server has received it: no response arrives. */
  cutAfter(text: string): void;
};

export async function startFaultyProxy(serverUrl: string): Promise<FaultyProxy> {
  const server = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const state: { stalled: boolean; cutAfter: string | undefined } = {
    stalled: false,
    cutAfter: undefined,
  };
  const listener = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => state.stalled || to.destroy());
      from.on("data", (bytes: Buffer) => {
        if (state.stalled) return;
        if (from === client && state.cutAfter !== undefined && bytes.includes(state.cutAfter)) {
          state.cutAfter = undefined;
          upstream.write(bytes, () => client.destroy());
          return;
        }
        to.write(bytes);
      });
    }
    if (state.stalled) upstream.destroy();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const url = new URL(serverUrl);
  url.port = String(typeof address === "object" && address ? address.port : 0);
  return {
    url: url.href,
    stall() {
      state.stalled = true;
    },
    recover() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      state.stalled = false;
    },
    cutAfter(text) {
      state.cutAfter = text;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
