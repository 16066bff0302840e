import type { Server } from "node:net";

import { AppError } from "#platform/errors.ts";

const PORTS_TRIED = 20;

/** Listens on the port, or where it is taken on the next free one. Resolves with the port in use. */
export async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<number> {
  for (let tried = port; tried <= Math.min(65_535, port + PORTS_TRIED); tried += 1) {
    if (await listensOn(server, host, tried)) {
      const address = server.address();
      return typeof address === "object" && address ? address.port : tried;
    }
    if (port === 0) break;
  }
  throw new AppError(
    "unavailable",
    `ports ${port} to ${port + PORTS_TRIED} of ${host} are all taken: name a free one with --port`,
  );
}

function listensOn(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      server.removeListener("listening", succeed);
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(refused(error, host, port));
    };
    const succeed = (): void => {
      server.removeListener("error", fail);
      resolve(true);
    };
    server.once("error", fail);
    server.once("listening", succeed);
    server.listen(port, host);
  });
}

const refused = (error: NodeJS.ErrnoException, host: string, port: number): AppError =>
  new AppError(
    "unavailable",
    `${host}:${port} cannot be listened on (${error.code ?? error.message}): choose another --host or --port`,
    { cause: error },
  );
