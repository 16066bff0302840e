import { isIPv6 } from "node:net";

const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));

/** The network source of an address: the IPv4 address, or the /64 network from which an IPv6 host chooses addresses. */
export function sourceOf(address: string): string {
  if (!address.includes(":")) return address;
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return address;
  const [head = "", tail] = bare.toLowerCase().split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail ?? "")];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const all = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${all
    .slice(0, 4)
    .map((it) => Number.parseInt(it, 16).toString(16))
    .join(":")}::/64`;
}
