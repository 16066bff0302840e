import { isIPv6 } from "node:net";

type Value = string | number | readonly string[] | { readonly [name: string]: Value };

const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const IPV4_BITS = 96;
const NODE_BYTES = 6;
const SEPARATOR_BYTES = 16;

/** The content of an MMDB file (format 2.0, records of 24 bits) with the values of networks such as `203.0.113.0/24`. */
export function mmdbFile(databaseType: string, networks: Readonly<Record<string, Value>>): Buffer {
  const data = Object.values(networks).map((value) => encoded(value));
  const offsets = data.map((_, i) => data.slice(0, i).reduce((sum, it) => sum + it.length, 0));
  const nodes: [Record24, Record24][] = [[{}, {}]];
  for (const [index, network] of Object.keys(networks).entries()) {
    insert(nodes, bitsOf(network), offsets[index] ?? 0);
  }
  const tree = Buffer.concat(nodes.map((node) => nodeBytes(node, nodes.length)));
  const metadata: Value = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_780_000_000,
    database_type: databaseType,
    description: { en: "for tests" },
    ip_version: 6,
    languages: ["en"],
    node_count: nodes.length,
    record_size: 24,
  };
  return Buffer.concat([tree, Buffer.alloc(SEPARATOR_BYTES), ...data, MARKER, encoded(metadata)]);
}

/** Another node, or an offset in the data; neither if nothing is known. */
type Record24 = { node?: number; data?: number };

function insert(nodes: [Record24, Record24][], bits: readonly (0 | 1)[], data: number): void {
  let at = 0;
  for (const [depth, bit] of bits.entries()) {
    const node = nodes[at] ?? [{}, {}];
    if (depth === bits.length - 1) {
      node[bit] = { data };
      return;
    }
    node[bit].node ??= nodes.push([{}, {}]) - 1;
    at = node[bit].node;
  }
}

function nodeBytes(node: readonly [Record24, Record24], count: number): Buffer {
  const bytes = Buffer.alloc(NODE_BYTES);
  for (const [side, { node: next, data }] of node.entries()) {
    const value = next ?? (data === undefined ? count : count + SEPARATOR_BYTES + data);
    bytes.writeUIntBE(value, side * (NODE_BYTES / 2), NODE_BYTES / 2);
  }
  return bytes;
}

function bitsOf(network: string): (0 | 1)[] {
  const [address = "", length] = network.split("/");
  const isV6 = isIPv6(address);
  const groups = isV6 ? v6Groups(address) : address.split(".").map(Number);
  const width = isV6 ? 16 : 8;
  const bits = groups.flatMap((group) =>
    Array.from({ length: width }, (_, i) => (((group >> (width - 1 - i)) & 1) === 0 ? 0 : 1)),
  );
  const prefix = Array.from({ length: isV6 ? 0 : IPV4_BITS }, () => 0 as const);
  return [...prefix, ...bits.slice(0, Number(length))];
}

function v6Groups(address: string): number[] {
  const [head = "", tail = ""] = address.split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [...first, ...zeros, ...last];
}

const groupsOf = (text: string): number[] =>
  text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));

function encoded(value: Value): Buffer {
  if (typeof value === "string") {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(2, bytes.length), bytes]);
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([control(11, value.length), ...value.map((it) => encoded(it))]);
  }
  const entries = Object.entries(value);
  const parts = entries.flatMap(([name, item]) => [encoded(name), encoded(item)]);
  return Buffer.concat([control(7, entries.length), ...parts]);
}

/** The type and size of a value; all sizes here are below 29 or fit into another byte. */
function control(type: number, size: number): Buffer {
  const [low, more] = size < 29 ? [size, []] : [29, [size - 29]];
  return type > 7
    ? Buffer.from([low, type - 7, ...more])
    : Buffer.from([(type << 5) | low, ...more]);
}
