import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import type { AccessColumns, Extras } from "./access-columns.ts";
import { clientOf, splitHostPort } from "./address.ts";
import { CLOSE_BRACKET, DASH, OPEN_BRACKET, QUOTE, SPACE, textOf } from "./bytes.ts";

/** The parts of an access line used here. */
type PeerLine = {
  batch: Batch;
  columns: AccessColumns;
  extras: Extras;
  dialect: { vendor: string };
  bytes: Uint8Array;
  row: number;
};

/**
 * Reads the fields before the time in less common lines: `[vhost[:port]] addresses ident user `, where addresses
 * may be a list (`a, b`), with a quoted forwarded-for list before it. Returns the start of the user's name, or -1.
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

function putAddresses(line: PeerLine, text: string): boolean {
  const startsQuoted = text.charCodeAt(0) === QUOTE;
  const tokens = text
    .replaceAll('"', "")
    .split(" ")
    .filter((token) => token !== "");
  const [first] = tokens;
  if (first === undefined) return false;
  const hasHost = tokens.length > 1 && !startsQuoted && !first.endsWith(",");
  if (hasHost) putHost(line, first);
  const addresses = tokens
    .slice(hasHost ? 1 : 0)
    .flatMap((token) => token.split(","))
    .filter((address) => address !== "");
  const client = clientOf(addresses);
  if (client !== undefined && client !== "-") line.columns.address.putText(line.row, client);
  if (addresses.length > 1) line.extras.set(`${line.dialect.vendor}.remote_ip_list`, addresses);
  return true;
}

function putHost(line: PeerLine, text: string): void {
  const { batch, row } = line;
  if (text === "-") return;
  const { host, port } = splitHostPort(text);
  if (port !== undefined) batch.number("destination.port").put(row, port);
  if (isIP(host) !== 0) batch.text("destination.ip").putText(row, host);
  else {
    batch.text("destination.domain").putText(row, host);
    batch.text("url.domain").putText(row, host);
  }
}
