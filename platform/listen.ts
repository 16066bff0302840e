import type { Server } from "node:net";

import { AppError } from "./errors.ts";

const PORTS_TRIED = 20;

export type ListenOptions = {
  host: string;
  /** 0: any free port. */
  port: number;
  /** If the port is in use: listen on the next free one, or fail. */
  ifTaken: "next" | "fail";
};

/** Resolves with the port in use. @throws AppError with the port and what to do */
export async function listen(
  server: Server,
  { host, port, ifTaken }: ListenOptions,
): Promise<number> {
  const last = ifTaken === "fail" || port === 0 ? port : Math.min(65_535, port + PORTS_TRIED);
  for (let tried = port; tried <= last; tried += 1) {
    if (await listensOn(server, host, tried)) {
      const address = server.address();
      return typeof address === "object" && address ? address.port : tried;
    }
  }
  const message =
    last === port
      ? `Port ${port} of ${host} is in use: stop the program that uses it, or choose another port.`
      : `Ports ${port} to ${last} of ${host} are all in use: choose a free one.`;
  throw new AppError("unavailable", message);
}

function listensOn(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      server.removeListener("listening", succeed);
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(unusable(error, host, port));
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

const unusable = (error: NodeJS.ErrnoException, host: string, port: number): AppError =>
  new AppError(
    "unavailable",
    `Port ${port} of ${host} cannot be used (${error.code ?? error.message}): choose another address or port.`,
    { cause: error },
  );

/** A host in the syntax of URLs. */
export const hostOf = (host: string): string => (host.includes(":") ? `[${host}]` : host);
