import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import { isDuration, isDurationName, unitsOf } from "../duration-units.ts";
import type { TextField } from "../fields.ts";
import type { FormatContext, LineScanner } from "../format.ts";
import {
  CLIENTS,
  FORWARDED,
  HOSTS,
  isApplicationLine,
  normalName,
  NUMBERS,
  PROTOCOLS,
  QUERIES,
  TEXTS,
  TIMES,
  UPSTREAM_TIMES,
  URLS,
} from "./access-json-names.ts";
import { AccessLine, type AccessDialect } from "./access-line.ts";
import { splitHostPort } from "./address.ts";
import { includes } from "./evidence.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { IGNORED_FIELDS, ignoredField } from "./ignored-fields.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { jsonTime } from "./json-time.ts";
import { numbersOf } from "./tail.ts";
import { implausible } from "./time.ts";
import { putTraceIds } from "./trace-context.ts";

/** Fields by their normal name, without those that have no value. */
type Fields = Map<string, { name: string; value: unknown; text: string }>;

/**
 * An access log as JSON lines, with the server's own variables or the spellings of widely used configurations:
 * `log_format … escape=json '{"status":$status,…}'`.
 */
export function openAccessJson(
  batch: Batch,
  context: FormatContext,
  dialect: AccessDialect,
): LineScanner {
  const line = new AccessLine(batch, context, dialect);
  return (bytes, start, end) => {
    const parsed = parseJsonLine(bytes, start, end);
    if ("reason" in parsed) return parsed.reason;
    const flat = flatten(parsed.object);
    if (!flat) return `JSON has more than ${FIELDS_MAX} fields`;
    line.row = batch.rows;
    line.extras.clear();
    const fields = namedFields(flat);
    if (isApplicationLine(fields))
      return `not an ${dialect.name} line: it has the level and the message of an application`;
    const reason = putTime(line, fields) ?? putFields(line, fields, bytes.subarray(start, end));
    if (reason !== undefined) return reason;
    line.extras.write(line.columns.extras, line.row);
    return undefined;
  };
}

function namedFields(flat: ReadonlyMap<string, unknown>): Fields {
  const fields: Fields = new Map();
  for (const [name, value] of flat) {
    const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    const text = typeof single === "string" ? single : JSON.stringify(single);
    const key = normalName(name);
    if (text !== "" && text !== "-" && !fields.has(key)) fields.set(key, { name, value, text });
  }
  return fields;
}

/** Removes the first of these fields from the rest, and returns its text. */
function take(fields: Fields, names: Iterable<string>): string | undefined {
  for (const name of names) {
    const field = fields.get(name);
    if (!field) continue;
    fields.delete(name);
    return field.text;
  }
  return undefined;
}

function putTime(line: AccessLine, fields: Fields): string | undefined {
  const names = TIMES.filter((candidate) => fields.has(candidate));
  const [first] = names;
  if (first === undefined)
    return "no time: the line has none of time_iso8601, time_local, msec, @timestamp";
  const { nowMs, zone } = line.context;
  const timeOf = (name: string): number => jsonTime(fields.get(name)?.text, zone);
  const name = names.find((candidate) => implausible(timeOf(candidate), nowMs) === undefined);
  if (name === undefined) ignoreTime(line, fields.get(first));
  else line.columns.time.put(line.row, timeOf(name));
  for (const other of TIMES) if (other !== "date") fields.delete(other);
  return undefined;
}

/** Without a time that can be read, the event has that of its header or of the line before it. */
function ignoreTime(line: AccessLine, field: { name: string; value: unknown } | undefined): void {
  if (!field) return;
  line.extras.set(IGNORED_FIELDS, [field.name]);
  line.extras.set(ignoredField(field.name), field.value);
}

function putFields(line: AccessLine, fields: Fields, bytes: Uint8Array): string | undefined {
  const { batch, row } = line;
  let known = putUrl(line, fields) ? 1 : 0;
  // Varnish's "handling" also tells a pass from a miss, "hitmiss" does not.
  const handling = take(fields, ["handling"]);
  if (handling !== undefined) putText(line, "varnish.handling", handling.toLowerCase());
  putClient(line, fields);
  putHost(line, fields);
  for (const [key, { name, value, text }] of fields) {
    const textField = TEXTS.get(key);
    const numberField = NUMBERS.get(key);
    if (textField !== undefined || numberField !== undefined) known += 1;
    if (textField !== undefined) putText(line, textField, text);
    else if (numberField !== undefined) {
      if (/^\d{1,15}$/.test(text)) batch.number(numberField).put(row, Number(text));
      else if (numberField === "http.response.status_code")
        return `${name} is not a number: ${text.slice(0, 60)}`;
      else putOther(line, key, { name, value, text });
    } else if (!putDuration(line, { name, text, bytes }))
      putOther(line, key, { name, value, text });
  }
  if (known < 2)
    return `not an ${line.dialect.name} line: the JSON has neither a request nor a status`;
  return undefined;
}

/** A field that is already written, such as the method of `request`, is kept. */
function putText(line: AccessLine, field: TextField, text: string): void {
  const column = line.batch.text(field);
  if (column.ids[line.row] === 0) column.putText(line.row, text);
}

/** The request line, or the URL, with the query if that is logged by itself. */
function putUrl(line: AccessLine, fields: Fields): boolean {
  const request = fields.get("request")?.text ?? "";
  const isUrl = /^(?:\/|https?:\/\/)/i.test(request);
  if (request !== "" && !isUrl) {
    fields.delete("request");
    line.bytes = Buffer.from(request);
    line.putRequest(0, line.bytes.length, 0);
  }
  const url = take(fields, URLS);
  const query = take(fields, QUERIES)?.replace(/^\?/, "");
  if (url !== undefined) {
    const isWhole = query === undefined || query === "" || url.includes("?");
    putText(line, "url.original", isWhole ? url : `${url}?${query}`);
  }
  return request !== "" || url !== undefined;
}

function putClient(line: AccessLine, fields: Fields): void {
  const named = take(fields, CLIENTS);
  // Some configurations name the client "host".
  const host = named === undefined ? fields.get("host")?.text : undefined;
  const text =
    named ?? (host !== undefined && isIP(host) !== 0 ? take(fields, ["host"]) : undefined);
  if (text !== undefined) {
    const { host: address, port } = splitHostPort(text);
    putText(line, "source.address", address);
    if (port !== undefined) line.batch.number("source.port").put(line.row, port);
  }
  for (const name of FORWARDED) {
    const forwarded = take(fields, [name]);
    if (forwarded !== undefined) putForwardedFor(line, forwarded);
  }
}

/** The requested host; an address under `host` beside another name is that of the server. */
function putHost(line: AccessLine, fields: Fields): void {
  const { batch, row } = line;
  const host = fields.get("host")?.text;
  if (host !== undefined && isIP(splitHostPort(host).host) !== 0) {
    fields.delete("host");
    putText(line, "server.address", splitHostPort(host).host);
  }
  const text = take(fields, HOSTS);
  if (text === undefined || text === "_") return;
  const { host: domain, port } = splitHostPort(text);
  putText(line, "url.domain", domain);
  if (port !== undefined) batch.number("url.port").put(row, port);
}

type Duration = { name: string; text: string; bytes: Uint8Array };

/** Whether the field is a duration whose unit is clear. */
function putDuration(line: AccessLine, { name, text, bytes }: Duration): boolean {
  const field = name.toLowerCase().replace(/^.*[.$]/, "");
  if (!isDurationName(field)) return false;
  const [first, ...others] = numbersOf(text);
  const one = first === undefined || others.length === 0 ? text : String(first);
  if (!isDuration(one)) return false;
  // A parsed number has lost the fraction of an unquoted 1.000.
  const isFraction = /^\d+$/.test(one) && includes(bytes, `:${one}.000`);
  const ns = unitsOf(line.context).nsOf(field, isFraction ? `${one}.000` : one);
  if (!Number.isNaN(ns)) line.columns.duration.put(line.row, ns);
  return !Number.isNaN(ns);
}

type Other = { name: string; value: unknown; text: string };

function putOther(line: AccessLine, key: string, { name, value, text }: Other): void {
  const { vendor } = line.dialect;
  if (vendor === "varnish.access" && putVarnish(line, key, text)) return;
  if (putTraceIds(line.batch, name, text)) return;
  const times = numbersOf(text);
  if (UPSTREAM_TIMES.has(key) && times.length > 0) {
    line.extras.set(`${vendor}.upstream.response_time`, times.length === 1 ? times[0] : times);
  } else if (key.endsWith("cachestatus")) {
    line.extras.set(`${vendor}.upstream.cache_status`, text);
    putText(line, "varnish.handling", text.toLowerCase());
  } else if (PROTOCOLS.has(key)) putProtocol(line, text);
  else if (key === "sslprotocol") {
    const tls = /^(TLS|SSL)v?(\d(?:\.\d)?)$/.exec(text);
    if (tls) putText(line, "tls.version", tls[2] ?? "");
    if (tls) putText(line, "tls.version_protocol", (tls[1] ?? "").toLowerCase());
  } else line.extras.set(`${vendor}.${name.toLowerCase().replace(/^\$/, "")}`, value);
}

/** `HTTP/1.1`, or the scheme. */
function putProtocol(line: AccessLine, text: string): void {
  if (/^https?$/i.test(text)) putText(line, "url.scheme", text.toLowerCase());
  else putText(line, "http.version", text.replace(/^HTTP\//i, ""));
}

/** The time to the first byte, in seconds with a fraction, and the transaction. */
function putVarnish(line: AccessLine, key: string, text: string): boolean {
  const isTime = /^(?:ttfb|timefirstbyte|varnishtimefirstbyte)$/.test(key);
  const isXid = /^(?:varnish)?v?xid$/.test(key) && /^\d{1,12}$/.test(text);
  if (isXid) line.extras.set("varnish.vxid", text);
  if (!isTime || !/^\d{1,9}\.\d{1,9}$/.test(text)) return isXid;
  line.extras.set("varnish.ttfb_ms", Math.round(Number(text) * 1e6) / 1e3);
  return true;
}
