import { createHash } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";

export type Flow = {
  source: { ip: string; port: number };
  destination: { ip: string; port: number };
  /** The protocol's number of IANA. */
  protocol: number;
};

const PORT_MAX = 65_535;
/** TCP, UDP and SCTP: the protocols whose flows have ports. */
const WITH_PORTS = new Set([6, 17, 132]);

/**
 * The Community ID (version 1, seed 0) of a flow, by which different tools name the same flow. Undefined for protocols without
 * ports, and for what is no IP address.
 */
export function communityId({ source, destination, protocol }: Flow): string | undefined {
  const from = addressBytes(source.ip);
  const to = addressBytes(destination.ip);
  const arePorts = [source.port, destination.port].every(isPort);
  if (!from || !to || !arePorts || !WITH_PORTS.has(protocol)) return undefined;
  const order = Buffer.compare(from, to) || source.port - destination.port;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(order <= 0 ? source.port : destination.port, 0);
  ports.writeUInt16BE(order <= 0 ? destination.port : source.port, 2);
  const [low, high] = order <= 0 ? [from, to] : [to, from];
  const hash = createHash("sha1");
  hash.update(Buffer.concat([Buffer.alloc(2), low, high, Buffer.of(protocol, 0), ports]));
  return `1:${hash.digest("base64")}`;
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= PORT_MAX;

function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return ipv6Bytes(text);
}

/** Of a valid address. */
function ipv6Bytes(text: string): Buffer {
  const dotted = /(?:\d{1,3}\.){3}\d{1,3}$/.exec(text)?.[0];
  const tail = dotted === undefined ? [] : [...Buffer.from(dotted.split(".").map(Number))];
  const groups = dotted === undefined ? text : text.slice(0, -dotted.length).replace(/:$/, "");
  const [before = "", after] = groups.split("::", 2);
  const head = groupBytes(before);
  const rest = [...groupBytes(after ?? ""), ...tail];
  const zeros = 16 - head.length - rest.length;
  return Buffer.from([...head, ...Array.from({ length: Math.max(0, zeros) }, () => 0), ...rest]);
}

const groupBytes = (text: string): number[] =>
  text
    .split(":")
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => (Number.isNaN(value) ? [] : [value >> 8, value & 0xff]));
