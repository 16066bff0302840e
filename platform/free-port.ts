import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections: from 32768 on Linux, from 49152 elsewhere. */
const PORTS = { from: 10_240, to: 32_768 };
const MOST_TRIES = 100;

/**
 * A recently free loopback port, for programs that cannot choose one themselves. No outgoing connection takes it, so that
 * a program which ends can have it again when it starts.
 * @throws Error if none was found
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${PORTS.from} to ${PORTS.to - 1} was found`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
