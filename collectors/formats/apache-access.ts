import type { Batch } from "../batch.ts";
import type { Format, LineScanner } from "../format.ts";
import { AccessLine } from "./access-line.ts";
import { OPEN_BRACKET, textOf } from "./bytes.ts";
import { hasApacheEscape, includes, isSet } from "./evidence.ts";
import { tailTokens } from "./tail.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const NS_PER: Readonly<Record<string, number>> = { "": 1e3, us: 1e3, ms: 1e6, s: 1e9 };
const DURATION = /^(\d{1,15}(?:\.\d{1,9})?)(us|ms|s)?$/;
/** `**%T/%D**`: the duration in the default format of some distributions. */
const STARRED = /^\*\*\d+\/(\d{1,15})\*\*$/;
const TLS = /^(TLS|SSL)v?(\d(?:\.\d)?)$/;
const SSL_HEAD_BYTES_MAX = 256;

export const APACHE_PATH = /apache|httpd|other_vhosts/i;

export const apacheAccess: Format = {
  dataset: "apache.access",
  title: "Apache access log",
  requests: "origin",
  traits: { ...ACCESS_TRAITS, namesClients: true },
  detection: {
    path: APACHE_PATH,
    evidence: (batch, line) => (isApache(batch, line) ? 1 : 0),
  },
  usualPaths: ["/var/log/apache2/*access*.log", "/var/log/httpd/*access*log"],
  open(batch, context) {
    const line = new AccessLine(batch, context, {
      name: "Apache access",
      vendor: "apache.access",
      tail,
    });
    const scanSsl = sslRequestScanner(batch, line);
    return (bytes, start, end) =>
      bytes[start] === OPEN_BRACKET ? scanSsl(bytes, start, end) : line.scan(bytes, start, end);
  },
};

/**
 * Fields after the user agent have no names: one whole number is read as `%D`
 * (microseconds), a fraction as seconds, two as `%I %O` (bytes in, bytes out), three as `%I %O %D`.
 */
function tail(line: AccessLine, start: number, end: number): undefined {
  const numbers: string[] = [];
  const unknown: string[] = [];
  for (const { name, value } of tailTokens(line.bytes, start, end)) {
    const starred = STARRED.exec(value)?.[1];
    if (name !== undefined) line.extras.set(`apache.access.${name.toLowerCase()}`, value);
    else if (starred !== undefined) numbers.push(starred);
    else if (DURATION.test(value)) numbers.push(value);
    else if (value !== "-" && value !== "") unknown.push(value);
  }
  const [first, second, third] = numbers;
  if (first !== undefined && second === undefined) putDuration(line, first);
  else if (first !== undefined && second !== undefined) {
    if (/^\d+$/.test(first)) line.columns.requestBytes.put(line.row, Number(first));
    if (/^\d+$/.test(second))
      line.batch.number("http.response.bytes").put(line.row, Number(second));
    if (third !== undefined) putDuration(line, third);
  }
  if (unknown.length > 0) line.extras.set("apache.access.extra", unknown);
  return undefined;
}

function putDuration(line: AccessLine, text: string): void {
  const [, amount = "", unit = ""] = DURATION.exec(text) ?? [];
  const scale = unit === "" && amount.includes(".") ? 1e9 : (NS_PER[unit] ?? 1e3);
  line.columns.duration.put(line.row, Math.round(Number(amount) * scale));
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

/** Only Apache writes common lines without a referrer, a dash for 0 bytes, its escapes, or TLS columns. */
function isApache(batch: Batch, line: Uint8Array): boolean {
  if (isSet(batch, "tls.cipher") || !includes(line, '" "')) return line[0] !== 0x7b;
  const hasDash = Number.isNaN(batch.number("http.response.body.bytes").values[0]);
  return hasDash || hasApacheEscape(line);
}
