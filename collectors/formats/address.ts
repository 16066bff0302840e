import { isIP, isIPv6 } from "node:net";

import type { TrustedProxies } from "../trusted-proxies.ts";

/** Addresses of private, loopback and link-local networks. */
const PRIVATE =
  /^(10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|::$|f[cd]|fe[89ab])/i;

export function isPublicIp(text: string): boolean {
  return isIP(text) !== 0 && !PRIVATE.test(text);
}

/**
 * The client in a list to which proxies append addresses: with trusted proxies, the last one that is none of them;
 * otherwise the first public address, or the first one.
 */
export function clientOf(
  addresses: readonly string[],
  trusted: TrustedProxies | undefined,
): string | undefined {
  if (!trusted) return addresses.find(isPublicIp) ?? addresses[0];
  return (
    addresses.findLast((address) => isIP(address) !== 0 && !trusted.has(address)) ?? addresses[0]
  );
}

/** What proxies write for an address that they do not know or hide. */
const NO_ADDRESS = /^(?:-|unknown|_[\w.-]*|)$/i;

/** The addresses of a value such as `203.0.113.9, 10.0.0.1` or `for="[2001:db8::7]:4711"`; other parts are left out. */
export function addressesIn(value: string): string[] {
  return partsOf(value).filter((part) => isIP(part) !== 0);
}

/** Whether a value without a name consists of addresses. */
export function isAddressList(value: string): boolean {
  const parts = partsOf(value);
  const addresses = parts.filter((part) => isIP(part) !== 0);
  return addresses.length > 0 && parts.every((part) => isIP(part) !== 0 || NO_ADDRESS.test(part));
}

const partsOf = (value: string): string[] =>
  value
    .replace(/^\((.*)\)$/, "$1")
    .split(",")
    .map((part) => {
      const node = /^(?:.*;)?\s*for=([^;]*)/i.exec(part)?.[1] ?? part;
      return splitHostPort(node.trim().replaceAll('"', "")).host;
    });

export type HostPort = { host: string; port?: number };

/** Splits `host:port`, `[v6]:port`, `1.2.3.4`, a bare IPv6 address, and Apache's `v6:port` without brackets. */
export function splitHostPort(text: string): HostPort {
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    const host = close < 0 ? text.slice(1) : text.slice(1, close);
    return close < 0 ? { host } : withPort(host, text.slice(close + 2));
  }
  if (isIPv6(text)) return { host: text };
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { host: text };
  const host = text.slice(0, colon);
  if (host.includes(":") && !isIPv6(host)) return { host: text };
  const split = withPort(host, text.slice(colon + 1));
  return split.port === undefined ? { host: text } : split;
}

function withPort(host: string, text: string): HostPort {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? { host, port } : { host };
}

/** Elastic's modules store the client's address as a list even if there is only one. */
export function listAddress(document: Record<string, unknown>, name: string): void {
  const address = document["source.address"];
  if (typeof address === "string" && !address.startsWith("unix:")) document[name] ??= [address];
}

/** The IP address in a text that may have an IPv6 zone after it, as in `fe80::1%12`. */
export function ipIn(text: string | undefined): string | undefined {
  const [ip = ""] = (text ?? "").split("%", 1);
  return isIP(ip) === 0 ? undefined : ip;
}
