import { BlockList, isIP } from "node:net";

/** The proxies whose X-Forwarded-For is believed: addresses and networks. */
export type TrustedProxies = { has(address: string): boolean };

/** Parses addresses and networks such as `10.0.0.0/8`; undefined if one of them is none. */
export function parseTrustedProxies(networks: readonly string[]): TrustedProxies | undefined {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address);
    const bitsMax = family === 6 ? 128 : 32;
    const bits = prefix === undefined ? bitsMax : Number(prefix);
    const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
    if (family === 0 || !isPrefix || bits > bitsMax) return undefined;
    list.addSubnet(address, bits, familyName(family));
  }
  return { has: (address) => list.check(address, familyName(isIP(address))) };
}

const familyName = (family: number): "ipv4" | "ipv6" => (family === 6 ? "ipv6" : "ipv4");
