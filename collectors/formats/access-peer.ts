import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import type { FormatContext } from "../format.ts";
import type { AccessColumns, Extras } from "./access-columns.ts";
import { addressesIn, clientOf, splitHostPort } from "./address.ts";
import { CLOSE_BRACKET, DASH, OPEN_BRACKET, SPACE, textOf } from "./bytes.ts";

/** The parts of an access line used here. */
type PeerLine = {
  batch: Batch;
  columns: AccessColumns;
  context: FormatContext;
  extras: Extras;
  dialect: { vendor: string };
  bytes: Uint8Array;
  row: number;
};

/**
 * Reads the fields before the time in less common lines: `[vhost[:port]] addresses ident user `. Returns the start of the user's name, or -1.
 */
export function putPeer(line: PeerLine, start: number, bracket: number): number {
  const { bytes } = line;
  const end = bracket - 1;
  const dash = dashAlone(bytes, start, end);
  if (dash >= 0) {
    return putAddresses(line, textOf(bytes, start, dash)) ? afterRealIp(bytes, dash + 3, end) : -1;
  }
  const userSpace = lastSpace(bytes, start, end);
  const identSpace = lastSpace(bytes, start, userSpace);
  if (identSpace <= start) return -1;
  const ident = textOf(bytes, identSpace + 1, userSpace);
  if (!putAddresses(line, textOf(bytes, start, identSpace))) return -1;
  if (ident !== "-") line.extras.set(`${line.dialect.vendor}.identity`, ident);
  return userSpace + 1;
}

/** Old ingress controllers write `- [real address] - user`. Returns the start of the user's name. */
function afterRealIp(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== OPEN_BRACKET) return start;
  const dash = dashAlone(bytes, start, end);
  return dash >= 0 && bytes[dash - 1] === CLOSE_BRACKET ? dash + 3 : start;
}

/** The position of ` - ` in [start, end), or -1. */
function dashAlone(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i + 2 < end; i += 1) {
    if (bytes[i + 1] === DASH && bytes[i] === SPACE && bytes[i + 2] === SPACE) return i;
  }
  return -1;
}

function lastSpace(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i -= 1) if (bytes[i] === SPACE) return i;
  return -1;
}

/** A value before the time: `"a, b"`, `(a, b)`, `a, b` or `a`. */
const GROUP = /"([^"]*)"|\(([^)]*)\)|[^\s"(),]+(?:,\s*[^\s"(),]+)*,?/g;

/**
 * Reads `[vhost] addresses`: the address of the peer and X-Forwarded-For, in any order and in quotes or parentheses. A
 * list with a comma is X-Forwarded-For.
 */
function putAddresses(line: PeerLine, text: string): boolean {
  const groups = [...text.matchAll(GROUP)].map(([whole, quoted, enclosed]) => ({
    value: quoted ?? enclosed ?? whole,
    isPlain: quoted === undefined && enclosed === undefined && !whole.includes(","),
  }));
  const [first, ...others] = groups;
  if (!first) return false;
  const otherValues = others.map(({ value }) => value);
  const hasHost = first.isPlain && isHost(first.value, otherValues);
  if (hasHost) putHost(line, first.value);
  const values = hasHost ? otherValues : [first.value, ...otherValues];
  const chain = [...values.filter(isList), ...values.filter((value) => !isList(value))];
  const found = chain.flatMap(addressesIn);
  // Apache may log names instead of addresses.
  const addresses = found.length > 0 ? found : chain.join(",").split(/,\s*/).filter(isName);
  const client = clientOf(addresses, line.context.trustedProxies);
  if (client !== undefined) line.columns.address.putText(line.row, client);
  if (addresses.length > 1) line.extras.set(`${line.dialect.vendor}.remote_ip_list`, addresses);
  return true;
}

const isList = (value: string): boolean => value.includes(",");

const isName = (text: string): boolean => text !== "-" && text !== "unknown" && text !== "";

/** Whether the first value is that of a virtual host: also an address, if it is one beside those of peer and proxies. */
function isHost(first: string, others: readonly string[]): boolean {
  if (others.length === 0) return false;
  return isIP(first) === 0 || others.length > 1 || addressesIn(others.join(",")).length === 0;
}

function putHost(line: PeerLine, text: string): void {
  const { batch, row } = line;
  if (text === "-" || text === "unknown") return;
  const { host, port } = splitHostPort(text);
  if (port !== undefined) batch.number("destination.port").put(row, port);
  if (isIP(host) !== 0) batch.text("destination.ip").putText(row, host);
  else {
    batch.text("destination.domain").putText(row, host);
    batch.text("url.domain").putText(row, host);
  }
}
