import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

const ENTRIES_MAX = 20;

type Sender = Pick<IncomingMessage, "headers"> & {
  socket: { remoteAddress?: string | undefined };
};

/**
 * The address of the client: the peer, or, if the peer is a trusted proxy, the last address in X-Forwarded-For that is
 * not a trusted proxy. Earlier entries may be forged.
 */
export function clientAddressBy(trustedProxies: readonly string[]): (incoming: Sender) => string {
  const trusted = listOf(trustedProxies);
  const isTrusted = (address: string): boolean =>
    trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return ({ headers, socket }) => {
    const peer = plain(socket.remoteAddress ?? "");
    const forwarded = headers["x-forwarded-for"];
    if (forwarded === undefined || !isTrusted(peer)) return peer === "" ? "unknown" : peer;
    let address = peer;
    for (const entry of String(forwarded).split(",").slice(-ENTRIES_MAX).toReversed()) {
      const before = addressIn(entry);
      if (before === undefined) break;
      address = before;
      if (!isTrusted(before)) break;
    }
    return address;
  };
}

/** Whether an IP address is a loopback address. */
const isLoopback = (address: string): boolean => /^(?:127\.|::1$|::ffff:127\.)/.test(address);

/** Whether a program on this machine sent the request, and not a proxy on this machine for a client elsewhere. */
export function isFromThisMachine(
  caller: { address: string },
  { headers }: Pick<IncomingMessage, "headers">,
): boolean {
  const forwarded = headers.forwarded ?? headers["x-forwarded-for"];
  return isLoopback(caller.address) && forwarded === undefined;
}

/** A list of single addresses and networks (CIDR). */
function listOf(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = "", prefix] = proxy.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Converts IPv4-mapped IPv6 addresses, as reported by dual-stack sockets, to IPv4. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

/** The address without a port, which some proxies add. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim().replace(/^\[(.*)\](?::\d+)?$/, "$1");
  const address = plain(isIP(text) === 0 ? text.replace(/:\d+$/, "") : text);
  return isIP(address) === 0 ? undefined : address;
}
