import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";

const FILES = { IPv4: "/proc/net/udp", IPv6: "/proc/net/udp6" };
const LOCAL_ADDRESS = 1;

/**
 * The number of datagrams that the kernel dropped because the buffer of the socket was full, from the text of
 * /proc/net/udp: the sum of its sockets on this port.
 */
export function dropsOf(table: string, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let drops = 0;
  for (const line of table.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[LOCAL_ADDRESS]?.endsWith(suffix)) drops += Number(fields.at(-1));
  }
  return drops;
}

/** Of a bound socket; undefined where the kernel does not tell. */
export async function kernelDrops({ family, port }: AddressInfo): Promise<number | undefined> {
  try {
    return dropsOf(await readFile(family === "IPv6" ? FILES.IPv6 : FILES.IPv4, "latin1"), port);
  } catch {
    return undefined; // Not Linux.
  }
}
