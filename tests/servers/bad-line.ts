import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";

/** A line to a server that can go bad in the ways in which lines do. */
export type BadLine = AsyncDisposable & {
  /** The server's address through this line. */
  url: string;
  /** Nothing passes any more, in either direction, and nobody is told: a machine that has lost its power. */
  fallSilent(): void;
  /** New connections get through again. */
  recover(): void;
  /** Breaks the connection that says this, as soon as the server has it: its answer never comes. */
  breakAfter(words: string): void;
};

export async function badLine(serverUrl: string): Promise<BadLine> {
  const server = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const state: { silent: boolean; breakAfter: string | undefined } = {
    silent: false,
    breakAfter: undefined,
  };
  const listener = createServer((near) => {
    const far = connect(Number(server.port), server.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => state.silent || to.destroy());
      from.on("data", (bytes: Buffer) => {
        if (state.silent) return;
        if (from === near && state.breakAfter !== undefined && bytes.includes(state.breakAfter)) {
          state.breakAfter = undefined;
          far.write(bytes, () => near.destroy());
          return;
        }
        to.write(bytes);
      });
    }
    if (state.silent) far.destroy();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const url = new URL(serverUrl);
  url.port = String(typeof address === "object" && address ? address.port : 0);
  return {
    url: url.href,
    fallSilent() {
      state.silent = true;
    },
    recover() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      state.silent = false;
    },
    breakAfter(words) {
      state.breakAfter = words;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
