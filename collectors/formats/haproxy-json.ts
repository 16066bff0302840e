import { isIP } from "node:net";

import type { Zone } from "../zone.ts";
import { accessColumns } from "./access-columns.ts";
import { splitHostPort } from "./address.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { haproxyName, isOwnName, type Name } from "./haproxy-json-names.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { jsonTime } from "./json-time.ts";
import type { RowWriter } from "./text-line.ts";
import { implausible } from "./time.ts";

/** Names of HAProxy alone that a line must have: others share those of single fields. */
const OWN_NAMES_MIN = 2;
const REQUEST = /^([A-Za-z_-]{1,32}) (\S+)(?: HTTP\/([\d.]{1,8}))?$/;
const TLS = /^(TLS|SSL)v(\d(?:\.\d)?)$/;
const NOT_HAPROXY = "not a HAProxy line: the JSON has fewer than two names of its fields";

/** The texts of a line by what they are, each from the first field that has a value. */
type Fields = Map<Name, string>;

/** A `log-format` in JSON. Returns undefined if it was written, otherwise why it was rejected. */
export function readHaproxyJson(text: string, row: RowWriter, zone: Zone): string | undefined {
  const bytes = Buffer.from(text);
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return parsed.reason;
  const flat = flatten(parsed.object);
  if (!flat) return `JSON has more than ${FIELDS_MAX} fields`;
  const fields = named(flat, row);
  const own = [...fields.keys()].filter(isOwnName).length;
  const isHaproxy = own >= OWN_NAMES_MIN || (own > 0 && text.includes("haproxy"));
  if (!isHaproxy || !(fields.has("client") || fields.has("request"))) return NOT_HAPROXY;
  putTime(fields, row, zone);
  putPeers(fields, row);
  putRequest(fields, row);
  putTimers(fields, row);
  putConnections(fields, row);
  putHeaders(fields, row);
  row.text("process.name", fields.get("process") ?? "haproxy");
  row.number("process.pid", fields.get("pid"));
  if (fields.has("status") || fields.has("request") || fields.has("method")) {
    row.text("event.type", "access");
  } else {
    row.text("event.category", "network");
    row.text("event.type", "connection");
  }
  return undefined;
}

function named(flat: ReadonlyMap<string, unknown>, row: RowWriter): Fields {
  const fields: Fields = new Map();
  for (const [dotted, value] of flat) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const name = haproxyName(dotted, text);
    if (text === "" || text === "-") continue;
    if (name === undefined || fields.has(name)) putUnknown(dotted, value, row);
    else fields.set(name, text);
  }
  const host = flat.get("host");
  if (typeof host !== "string") return fields;
  // `host` is the requested one, unless that has a name of its own.
  if (fields.has("host")) fields.set("hostName", host);
  else fields.set("host", host);
  return fields;
}

function putUnknown(dotted: string, value: unknown, row: RowWriter): void {
  if (dotted !== "host")
    row.extra(`haproxy.${dotted.toLowerCase().replace(/^haproxy[._]/, "")}`, value);
}

/** Without a time that can be read, the event has that of its header or of the line before. */
function putTime(fields: Fields, row: RowWriter, zone: Zone): void {
  const text = fields.get("time");
  const ms = text === undefined ? Number.NaN : jsonTime(text, zone);
  if (implausible(ms, row.context.nowMs) === undefined) row.time(ms, "");
  else row.extra("haproxy.time", text);
}

function putPeers(fields: Fields, row: RowWriter): void {
  const client = splitHostPort(fields.get("client") ?? "");
  row.text("source.address", client.host);
  if (isIP(client.host) !== 0) row.text("source.ip", client.host);
  row.number("source.port", fields.get("clientPort") ?? client.port);
  row.extra("haproxy.frontend_name", fields.get("frontend"));
  row.extra("haproxy.backend_name", fields.get("backend"));
  row.text("haproxy.server_name", fields.get("server"));
  const target = splitHostPort(fields.get("serverAddress") ?? "").host;
  row.text("destination.address", target);
  if (isIP(target) !== 0) row.text("destination.ip", target);
  row.text("host.name", fields.get("hostName"));
  row.text("host.hostname", fields.get("hostName"));
}

function putRequest(fields: Fields, row: RowWriter): void {
  const line = fields.get("request");
  const parts = REQUEST.exec(line ?? "");
  row.extra("haproxy.http.request.raw_request_line", line);
  row.text("http.request.method", fields.get("method") ?? parts?.[1]);
  const url = fields.get("url") ?? parts?.[2];
  const query = fields.get("query")?.replace(/^\?/, "") ?? "";
  row.text(
    "url.original",
    url === undefined || query === "" || url.includes("?") ? url : `${url}?${query}`,
  );
  row.text("http.version", fields.get("version")?.replace(/^HTTP\//i, "") ?? parts?.[3]);
  const status = Number(fields.get("status"));
  if (status > 0) row.number("http.response.status_code", status);
  const bytes = fields.get("bytes");
  row.number("http.response.bytes", bytes);
  if (bytes !== undefined) row.extra("haproxy.bytes_read", Number(bytes));
  row.number("http.request.bytes", fields.get("requestBytes"));
}

const TIMERS = [
  ["requestWait", "haproxy.http.request.time_wait_ms"],
  ["queueWait", "haproxy.total_waiting_time_ms"],
  ["connectWait", "haproxy.connection_wait_time_ms"],
  ["responseWait", "haproxy.http.request.time_wait_without_data_ms"],
] as const;

/** All timers are milliseconds; -1 means that the step was not reached. */
function putTimers(fields: Fields, row: RowWriter): void {
  for (const [name, field] of TIMERS) {
    const ms = Number(fields.get(name));
    if (fields.has(name) && !Number.isNaN(ms)) row.extra(field, ms);
  }
  const total = Number(fields.get("total"));
  if (total >= 0) row.number("event.duration", total * 1e6);
  row.extra("haproxy.termination_state", fields.get("state"));
}

const COUNTS = [
  ["frontendConnections", "haproxy.connections.frontend"],
  ["backendConnections", "haproxy.connections.backend"],
  ["serverConnections", "haproxy.connections.server"],
  ["retries", "haproxy.connections.retries"],
  ["serverQueue", "haproxy.server_queue"],
] as const;

function putConnections(fields: Fields, row: RowWriter): void {
  for (const [name, field] of COUNTS) {
    const count = fields.get(name);
    if (count !== undefined) row.extra(field, Number(count.replace(/^\+/, "")));
  }
  row.number("haproxy.connections.active", fields.get("active"));
  row.number("haproxy.backend_queue", fields.get("backendQueue"));
}

function putHeaders(fields: Fields, row: RowWriter): void {
  const host = splitHostPort(fields.get("host") ?? "");
  row.text("url.domain", host.host);
  row.number("url.port", host.port);
  row.text("user_agent.original", fields.get("agent"));
  row.text("http.request.referrer", fields.get("referrer"));
  row.text("http.request.id", fields.get("id"));
  const tls = TLS.exec(fields.get("tlsVersion") ?? "");
  row.text("tls.version_protocol", tls?.[1]?.toLowerCase());
  row.text("tls.version", tls?.[2]);
  row.text("tls.cipher", fields.get("cipher"));
  const forwarded = fields.get("forwarded");
  if (forwarded === undefined) return;
  const { batch, context, extras } = row;
  const line = { columns: accessColumns(batch), context, extras, row: batch.rows };
  putForwardedFor({ ...line, dialect: { vendor: "haproxy" } }, forwarded);
}
