import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError, errorCode } from "#platform/errors.ts";

/** A port at which clients cannot reach a workload, and why: "is in use by another process". */
export const ClosedPort = z.object({ workload: z.string(), port: z.number(), why: z.string() });
export type ClosedPort = z.infer<typeof ClosedPort>;

/** A process that was killed may still have its ports for a moment. */
const LINGER_MS_MAX = 1_000;
const POLL_MS = 50;

type Place = { host: string; port: number };

/** Why nobody could bind it now, for people; undefined if it is free. */
export async function whyNotFree({ host, port }: Place): Promise<string | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return undefined;
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    return WHY[code] ?? `cannot be bound (${code})`;
  } finally {
    await new Promise((done) => server.close(done));
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use by another process",
  EACCES: "may be bound by root only",
  EADDRNOTAVAIL: "is no address of this machine",
  ENOTFOUND: "is no known host",
};

/** `host:port`, IPv6 addresses in brackets. */
export function placeOf(address: string): Place {
  const at = address.lastIndexOf(":");
  return {
    host: address.slice(0, at).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(at + 1)),
  };
}

/** The same, after the moment for which a process that was killed may still have it. */
export async function whyNotFreeSoon(place: Place): Promise<string | undefined> {
  const endMs = performance.now() + LINGER_MS_MAX;
  for (;;) {
    const why = await whyNotFree(place);
    if (why === undefined || performance.now() > endMs) return why;
    await delay(POLL_MS);
  }
}

/** For a port without which a server of the edge serves nothing. @throws AppError unavailable with what to do */
export async function checkInside(address: string, server: string): Promise<void> {
  const place = placeOf(address);
  const why = await whyNotFreeSoon(place);
  if (why === undefined) return;
  throw new AppError(
    "unavailable",
    `Port ${place.port}, which ${server} needs inside the edge, ${why}: end the program that has it, or set QUARTERDECK_EDGE_PORT to another port.`,
  );
}
