import { once } from "node:events";
import { lstat, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";

import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

/** Every local program may write its log, as to /dev/log. @throws AppError with the path and what to do */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  await removeAbandoned(path);
  server.listen({ path, readableAll: true, writableAll: true });
  await once(server, "listening").catch((error: unknown) => {
    const code = errorCode(error) ?? String(error);
    throw new AppError(
      "unavailable",
      `The socket ${path} cannot be created (${code}): choose another path.`,
    );
  });
}

/** A process that was killed leaves its socket. @throws AppError if it is none, or if a program listens on it */
export async function removeAbandoned(path: string): Promise<void> {
  const there = await ifExists(lstat(path));
  if (!there) return;
  if (!there.isSocket()) {
    throw new AppError("unavailable", `${path} exists and is no socket: choose another path.`);
  }
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    // Another error, such as that of a datagram socket, comes from a program that listens.
    if (errorCode(error) === "ECONNREFUSED") return rm(path, { force: true });
  } finally {
    socket.destroy();
  }
  const used = `The socket ${path} is in use: stop the program that uses it, or choose another path.`;
  throw new AppError("unavailable", used);
}
