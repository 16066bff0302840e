import { isIP, isIPv6 } from "node:net";

import type { Format } from "../format.ts";
import type { Zone } from "../zone.ts";
import { splitHostPort } from "./address.ts";
import { APACHE_PATH } from "./apache-access.ts";
import { OPEN_BRACKET, SPACE } from "./bytes.ts";
import { openTextLine, type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";
import { ERROR_TRAITS } from "./traits.ts";

const TIME = /^\[([^\]]{10,40})\] ?/;
const LEVEL =
  /^\[(?:([\w.-]{0,64}):)?(emerg|alert|crit|error|warn|warning|notice|info|debug|trace[1-8])\] ?/i;
const PROCESS = /^\[pid (\d{1,15})(?::tid (\d{1,20}|0x[\da-f]{1,16}))?\] ?/;
const CLIENT = /^\[(?:remote|client) ([^\]\s]{1,260})\] ?/;
/** mod_proxy logs the system error before the client. */
const SYSTEM_ERROR = /^\((\d{1,9})\)([^[\]]{1,200}): (?=\[(?:remote|client) )/;
const CODE = /^(?:\([^)]{1,40}\)[^:]{1,200}: )?(AH\d{4,6}):/;
const MISSING_FILE = /^(?:AH\d{5}: )?File does not exist: (\/\S{0,4096})/;
const REFERRER = /, referer: (\S{1,4096})$/;
const WEEKDAY_TIME =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d(?:\.\d{1,9})?) (\d{4})$/;
const HEAD_LENGTH_MAX = 8192;

export const apacheError: Format = {
  dataset: "apache.error",
  title: "Apache error log",
  requests: "none",
  traits: ERROR_TRAITS,
  detection: { path: APACHE_PATH },
  usualPaths: ["/var/log/apache2/error.log", "/var/log/httpd/error_log"],
  open(batch, context) {
    return openTextLine(batch, context, read);
  },
  begins: (bytes, start, end) =>
    bytes[start] === OPEN_BRACKET &&
    end - start > 24 &&
    (isWeekday(bytes, start) || isNumericTime(bytes, start)),
};

/** `[Sat Mar 14 …`. */
function isWeekday(bytes: Uint8Array, start: number): boolean {
  return bytes[start + 4] === SPACE && bytes[start + 8] === SPACE && bytes[start + 14] === 0x3a;
}

/** `[14/Mar/2026:…` or `[2026-03-14 …`. */
function isNumericTime(bytes: Uint8Array, start: number): boolean {
  const isClf = bytes[start + 3] === 0x2f && bytes[start + 7] === 0x2f;
  return isClf || (bytes[start + 5] === 0x2d && bytes[start + 8] === 0x2d);
}

function read(line: string, row: RowWriter): string | undefined {
  let rest = line.slice(0, HEAD_LENGTH_MAX);
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest);
    if (found) rest = rest.slice(found[0].length);
    return found;
  };
  const time = take(TIME)?.[1];
  if (time === undefined)
    return "not an Apache error line: it does not begin with a time in brackets";
  const refused = row.time(errorTime(time, row.context.zone), time);
  if (refused !== undefined) return refused;
  const level = take(LEVEL);
  const process = take(PROCESS);
  if (!(level ? isApaches(level[2] ?? "", time) : process))
    return "not an Apache error line: no level after the time";
  putLevel(row, level);
  row.number("process.pid", process?.[1]);
  putThread(row, process?.[2]);
  const message = rest;
  const system = take(SYSTEM_ERROR);
  row.extra("apache.error.proxy.error.code", system?.[1]);
  row.extra("apache.error.proxy.error.message", system?.[2]);
  putClient(row, take(CLIENT)?.[1]);
  row.extra("apache.error.code", CODE.exec(rest.slice(0, 300))?.[1]);
  row.text("file.path", MISSING_FILE.exec(rest)?.[1]?.replace(/,$/, ""));
  if (line.length <= HEAD_LENGTH_MAX) row.text("http.request.referrer", REFERRER.exec(rest)?.[1]);
  row.text(
    "message",
    line.slice(Math.min(line.length, HEAD_LENGTH_MAX) - (system ? message : rest).length),
  );
  return undefined;
}

function putLevel(row: RowWriter, level: RegExpExecArray | null): void {
  row.text("log.level", level?.[2]?.toLowerCase());
  row.extra("apache.error.module", level?.[1]);
}

/** Programs in Java and Node write `[2026-03-14T10:11:12,345][INFO ]`; Apache's levels are in lower case. */
const isApaches = (level: string, time: string): boolean =>
  level !== level.toUpperCase() || WEEKDAY_TIME.test(time);

/** Thread ids on Linux are addresses up to 2^47, which a double represents exactly. */
function putThread(row: RowWriter, thread: string | undefined): void {
  if (thread !== undefined && Number(thread) <= Number.MAX_SAFE_INTEGER)
    row.number("process.thread.id", thread);
}

function putClient(row: RowWriter, client: string | undefined): void {
  if (client === undefined) return;
  const colon = client.lastIndexOf(":");
  const head = client.slice(0, colon);
  // Apache logs `v6:port` without brackets: nine groups, or text that is an address without its last group.
  const isV6WithPort =
    isIPv6(head) && (!isIPv6(client) || /^\d{4,5}$/.test(client.slice(colon + 1)));
  const { host, port } = isV6WithPort
    ? { host: head, port: Number(client.slice(colon + 1)) }
    : splitHostPort(client);
  row.text("source.address", host);
  if (isIP(host) !== 0) row.text("source.ip", host);
  row.number("source.port", port);
}

/** Parses `Sat Mar 14 10:11:12.123456 2026` or another notation of ErrorLogFormat; epoch ms. */
function errorTime(text: string, zone: Zone): number {
  const found = WEEKDAY_TIME.exec(text);
  const plain = found
    ? `${(found[2] ?? "").replace(" ", "0")}/${found[1]}/${found[4]}:${found[3]}`
    : text;
  const bytes = Buffer.from(plain);
  return parseTime(bytes, 0, bytes.length, zone);
}
