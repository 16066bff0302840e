import { linesOf } from "./config-sections.ts";

/** A TCP port that a configuration binds, and the line that does. */
export type BoundPort = { host: string; port: number; line: number };

const PORTS_MAX = 100;

/** The TCP ports of a configuration. Unix sockets, inherited and virtual ones are none. */
export const boundPorts = (text: string): BoundPort[] =>
  addressesIn(text).flatMap(({ address, line }) => portsOf(address, line));

/** The paths of its Unix sockets. */
export const boundPaths = (text: string): { path: string; line: number }[] =>
  addressesIn(text).flatMap(({ address, line }) => {
    const path = address.replace(/^unix@/, "");
    return path.startsWith("/") ? [{ path, line }] : [];
  });

function addressesIn(text: string): { address: string; line: number }[] {
  return linesOf(text).flatMap(({ number: line, words: [keyword, first = "", second = ""] }) => {
    const addresses =
      keyword === "bind" ? first : keyword === "stats" && first === "socket" ? second : "";
    return addresses.split(",").map((address) => ({ address, line }));
  });
}

function portsOf(address: string, line: number): BoundPort[] {
  const [, host, from, until = from] =
    /^(?:ipv[46]@|tcp[46]?@)?([^@/]*):(\d+)(?:-(\d+))?$/.exec(address) ?? [];
  if (host === undefined) return [];
  const count = Math.min(Number(until) - Number(from) + 1, PORTS_MAX);
  return Array.from({ length: Math.max(0, count) }, (_, at) => ({
    host: hostOf(host),
    port: Number(from) + at,
    line,
  }));
}

/** As the system names it: all addresses have several names. */
function hostOf(host: string): string {
  if (host === "" || host === "*") return "0.0.0.0";
  return host.replace(/^\[(.*)\]$/, "$1");
}
