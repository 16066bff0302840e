import type { Batch } from "../batch.ts";
import { isDuration, isDurationName, unitsOf } from "../duration-units.ts";
import type { Format, LineScanner } from "../format.ts";
import { openAccessJson } from "./access-json.ts";
import { AccessLine, type AccessDialect } from "./access-line.ts";
import { isAddressList } from "./address.ts";
import { OPEN_BRACE, OPEN_BRACKET, textOf } from "./bytes.ts";
import { hasApacheEscape, includes, isSet, valueIn } from "./evidence.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { tailTokens } from "./tail.ts";
import { putTraceIds } from "./trace-context.ts";
import { ACCESS_TRAITS } from "./traits.ts";

/** `**%T/%D**`: the duration in the default format of some distributions. */
const STARRED = /^\*\*\d+\/(\d{1,15})\*\*$/;
/** Name of the number without a name. */
const COLUMN = "%D";
/** No response has a shorter head. */
const HEAD_BYTES_MIN = 16;
const TLS = /^(TLS|SSL)v?(\d(?:\.\d)?)$/;
const CLIENT_NAME = /^[a-z][\w.-]*$/i;
const SSL_HEAD_BYTES_MAX = 256;

const dialect: AccessDialect = { name: "Apache access", vendor: "apache.access", tail };

export const APACHE_PATH = /apache|httpd|other_vhosts/i;

export const apacheAccess: Format = {
  dataset: "apache.access",
  title: "Apache access log",
  requests: "origin",
  traits: { ...ACCESS_TRAITS, namesClients: true },
  detection: {
    path: APACHE_PATH,
    evidence: (batch, line) => (isApache(batch, line) ? (line[0] === OPEN_BRACE ? 2 : 1) : 0),
  },
  usualPaths: ["/var/log/apache2/*access*.log", "/var/log/httpd/*access*log"],
  open(batch, context) {
    const line = new AccessLine(batch, context, dialect);
    const scanSsl = sslRequestScanner(batch, line);
    const scanJson = openAccessJson(batch, context, dialect);
    const scan: LineScanner = (bytes, start, end) => {
      if (bytes[start] === OPEN_BRACE) return scanJson(bytes, start, end);
      return bytes[start] === OPEN_BRACKET
        ? scanSsl(bytes, start, end)
        : line.scan(bytes, start, end);
    };
    return Object.assign(scan, { plainTail: line.plainTail });
  },
};

/**
 * Fields after the user agent usually have no names. One number is the duration; two are `%I %O` (bytes in, bytes out) or
 * `%D %T` (microseconds and the same in seconds); three are `%I %O %D` or `%D %I %O`.
 */
function tail(line: AccessLine, start: number, end: number): undefined {
  const numbers: string[] = [];
  const unknown: string[] = [];
  for (const { name, value } of tailTokens(line.bytes, start, end)) {
    const starred = STARRED.exec(value)?.[1];
    if (name !== undefined) putNamed(line, name.toLowerCase(), value);
    else if (starred !== undefined) numbers.push(starred);
    else if (isDuration(value)) numbers.push(value);
    else if (isAddressList(value)) putForwardedFor(line, value);
    else if (value !== "-" && value !== "" && !putTraceIds(line.batch, "traceparent", value))
      unknown.push(value);
  }
  putNumbers(line, numbers);
  if (unknown.length > 0) line.extras.set("apache.access.extra", unknown);
  return undefined;
}

function putNamed(line: AccessLine, name: string, value: string): void {
  if (isDurationName(name) && isDuration(value)) putDuration(line, name, value);
  else if (!putTraceIds(line.batch, name, value)) line.extras.set(`apache.access.${name}`, value);
}

function putNumbers(line: AccessLine, [first, second, third]: readonly string[]): void {
  if (first === undefined) return;
  if (second === undefined) putDuration(line, COLUMN, first);
  else if (third === undefined) putPair(line, first, second);
  else if (areBytesLast(line, second, third)) {
    putDuration(line, COLUMN, first);
    putBytes(line, second, third);
  } else {
    putBytes(line, first, second);
    putDuration(line, COLUMN, third);
  }
}

/** `%D %T` in either order if one number is the other one in whole seconds, otherwise `%I %O`. */
function putPair(line: AccessLine, first: string, second: string): void {
  const [shorter = 0, longer = 0] = [Number(first), Number(second)].toSorted((a, b) => a - b);
  const canBeTimes = Math.floor(longer / 1e6) === shorter;
  const canBeBytes = Number(first) >= HEAD_BYTES_MIN && canBeSent(line, second);
  const vote = canBeTimes ? (canBeBytes ? undefined : "second") : "first";
  if (unitsOf(line.context).isSecond("%I %O or %D %T", vote)) {
    line.columns.duration.put(line.row, longer * 1e3);
  } else if (canBeBytes || !/^\d+$/.test(second)) putBytes(line, first, second);
  else line.extras.set("apache.access.extra", [first, second]);
}

/** Whether three numbers are `%D %I %O` instead of `%I %O %D`. */
function areBytesLast(line: AccessLine, second: string, third: string): boolean {
  const isSecondSent = canBeSent(line, second);
  const isThirdSent = canBeSent(line, third);
  const vote = isThirdSent ? "second" : "first";
  const isClear = isSecondSent !== isThirdSent;
  return unitsOf(line.context).isSecond("%I %O %D or %D %I %O", isClear ? vote : undefined);
}

/** Whether the number can be the bytes of a response: they include its body and its head. */
function canBeSent(line: AccessLine, text: string): boolean {
  const body = line.columns.bodyBytes.values[line.row] ?? Number.NaN;
  return Number(text) >= HEAD_BYTES_MIN && !(Number(text) < body);
}

function putBytes(line: AccessLine, received: string, sent: string): void {
  if (/^\d+$/.test(received)) line.columns.requestBytes.put(line.row, Number(received));
  if (/^\d+$/.test(sent)) line.batch.number("http.response.bytes").put(line.row, Number(sent));
}

function putDuration(line: AccessLine, name: string, text: string): void {
  line.columns.duration.put(line.row, unitsOf(line.context).nsOf(name, text, name === COLUMN));
}

/** `[time] address protocol cipher "request" bytes`: mod_ssl's ssl_request_log. */
function sslRequestScanner(batch: Batch, line: AccessLine): LineScanner {
  return (bytes, start, end) => {
    const quote = bytes.indexOf(0x22, start);
    if (quote < 0 || quote >= end) return "not an Apache access line: no quoted request";
    if (quote - start > SSL_HEAD_BYTES_MAX)
      return "not an Apache ssl_request line: too much before the request";
    const head = textOf(bytes, start, quote);
    const found = /^\[([^\]]{10,40})\] (\S+) (\S+) (\S+) $/.exec(head);
    if (!found)
      return "not an Apache ssl_request line: no address, protocol and cipher after the time";
    const [, time = "", address = "", protocol = "", cipher = ""] = found;
    // Rewritten as a common line for the same scanner.
    const common = Buffer.concat([
      Buffer.from(`${address} - - [${time}] `),
      statusInserted(bytes, quote, end),
    ]);
    const reason = line.scan(common, 0, common.length);
    if (reason !== undefined) return reason;
    putTls(batch, line, protocol, cipher);
    return undefined;
  };
}

function statusInserted(bytes: Uint8Array, quote: number, end: number): Buffer {
  const rest = Buffer.from(bytes.subarray(quote, end));
  const close = rest.lastIndexOf('" ');
  if (close <= 0) return rest;
  return Buffer.concat([rest.subarray(0, close + 2), Buffer.from("- "), rest.subarray(close + 2)]);
}

function putTls(batch: Batch, line: AccessLine, protocol: string, cipher: string): void {
  const { row } = line;
  const extras: Record<string, string> = {};
  if (protocol !== "-") extras["apache.access.ssl.protocol"] = protocol;
  if (cipher !== "-") {
    extras["apache.access.ssl.cipher"] = cipher;
    batch.text("tls.cipher").putText(row, cipher);
  }
  const version = TLS.exec(protocol);
  if (version) {
    batch.text("tls.version_protocol").putText(row, (version[1] ?? "").toLowerCase());
    batch.text("tls.version").putText(row, version[2] ?? "");
  }
  if (Object.keys(extras).length > 0) line.columns.extras.putText(row, JSON.stringify(extras));
}

/**
 * Only Apache writes common lines without a referrer, a dash for 0 bytes, its escapes, or TLS columns, and in JSON a query
 * with its question mark.
 */
function isApache(batch: Batch, line: Uint8Array): boolean {
  if (line[0] === OPEN_BRACE) return hasQueryMark(line);
  if (isSet(batch, "tls.cipher") || !includes(line, '" "')) return true;
  const hasDash = Number.isNaN(batch.number("http.response.body.bytes").values[batch.rows]);
  return hasDash || hasApacheEscape(line) || isClientNamed(batch, line);
}

/** Whether the line begins with the host name of the client (`HostnameLookups On`), which nginx never looks up. */
function isClientNamed(batch: Batch, line: Uint8Array): boolean {
  const name = valueIn(batch, "source.address");
  if (isSet(batch, "source.ip") || !CLIENT_NAME.test(name)) return false;
  return textOf(line, 0, name.length + 1) === `${name} `;
}

const hasQueryMark = (line: Uint8Array): boolean =>
  /"(?:query|query_?string|args)"\s*:\s*"\?/i.test(textOf(line, 0, line.length));
