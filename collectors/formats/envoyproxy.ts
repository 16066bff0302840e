import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import type { Format, FormatContext, LineScanner } from "../format.ts";
import { accessColumns } from "./access-columns.ts";
import { splitHostPort } from "./address.ts";
import { parseTraceparent, traceId } from "./application/trace-ids.ts";
import { OPEN_BRACE, OPEN_BRACKET } from "./bytes.ts";
import { envoyName, type Name } from "./envoyproxy-names.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { parseJsonLine } from "./json-line.ts";
import { jsonTime } from "./json-time.ts";
import { HEAD_LENGTH_MAX, openTextLine, RowWriter } from "./text-line.ts";
import { ACCESS_TRAITS } from "./traits.ts";

type Fields = ReadonlyMap<Name, string>;

const HEAD =
  /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\] "(\S{1,64}) (.{0,15000}?) (\S{1,32})" (\d{1,3}) (\S{1,64}) /;
/** In quotes, which Envoy does not escape inside of them, or without spaces. */
const TOKEN = /"(.*?)"(?= |$)|(\S+)/g;
const TOKENS_MAX = 40;
const NUMBER = /^\d{1,15}$/;
const NS_PER_MS = 1e6;
const REFUSED =
  'not an Envoy access line: it does not begin with `[time] "method path protocol" status flags`';

/** The access log of Envoy and Istio: the default text of either, and JSON with the names of their operators. */
export const envoyproxy: Format = {
  dataset: "envoyproxy.log",
  title: "Envoy access log",
  requests: "proxy",
  hasOtherEvents: true,
  traits: ACCESS_TRAITS,
  detection: { path: /envoy|istio/i, evidence: () => 5 },
  usualPaths: ["/var/log/envoy/*access*.log"],
  related: { "related.ip": ["source.ip", "destination.ip"] },
  open(batch, context) {
    const text = openTextLine(batch, context, readText);
    const json = openJson(batch, context);
    return (bytes, start, end) => {
      if (bytes[start] === OPEN_BRACE) return json(bytes, start, end);
      return bytes[start] === OPEN_BRACKET ? text(bytes, start, end) : REFUSED;
    };
  },
};

/** What follows the four numbers, in the default text of Envoy and, after the upstream, of Istio. */
const AFTER_NUMBERS: readonly Name[] = [
  "forwarded",
  "agent",
  "id",
  "authority",
  "upstream",
  "cluster",
  "upstreamLocal",
  "downstreamLocal",
  "peer",
  "serverName",
  "route",
];

function readText(line: string, row: RowWriter): string | undefined {
  const head = HEAD.exec(line.slice(0, HEAD_LENGTH_MAX));
  if (!head) return REFUSED;
  const [all, time = "", method = "", path = "", protocol = "", status = "", flags = ""] = head;
  const rest = tokensOf(line.slice(all.length, HEAD_LENGTH_MAX));
  const at = rest.findIndex(
    (token, index) =>
      NUMBER.test(token) &&
      NUMBER.test(rest[index + 1] ?? "") &&
      NUMBER.test(rest[index + 2] ?? ""),
  );
  if (at < 0) return "not an Envoy access line: it has no bytes received, bytes sent and duration";
  const fields = new Map<Name, string>();
  const put = (name: Name, value: string | undefined): void => {
    if (value !== undefined && value !== "-" && value !== "") fields.set(name, value);
  };
  put("time", time);
  put("method", method);
  put("path", path);
  put("protocol", protocol);
  put("status", status);
  put("flags", flags);
  // Istio has the reasons of the response, of the end of the connection, and of a failure before the numbers.
  for (const [index, name] of (["details", "termination", "failure"] as const).entries()) {
    if (index < at) put(name, rest[index]);
  }
  put("received", rest[at]);
  put("sent", rest[at + 1]);
  put("duration", rest[at + 2]);
  const hasUpstreamTime = /^(?:\d{1,15}|-)$/.test(rest[at + 3] ?? "");
  if (hasUpstreamTime) put("upstreamTime", rest[at + 3]);
  const from = at + (hasUpstreamTime ? 4 : 3);
  for (const [index, name] of AFTER_NUMBERS.entries()) put(name, rest[from + index]);
  return putFields(row, fields);
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const [, quoted, plain] of text.matchAll(TOKEN)) {
    if (tokens.push(quoted ?? plain ?? "") >= TOKENS_MAX) break;
  }
  return tokens;
}

function openJson(batch: Batch, context: FormatContext): LineScanner {
  const row = new RowWriter(batch, context);
  return (bytes, start, end) => {
    const parsed = parseJsonLine(bytes, start, end);
    if ("reason" in parsed) return parsed.reason;
    const fields = new Map<Name, string>();
    const others: [string, unknown][] = [];
    for (const [key, value] of Object.entries(parsed.object)) {
      const name = envoyName(key);
      const isPlain = typeof value === "string" || typeof value === "number";
      if (name === undefined || !isPlain || fields.has(name)) others.push([key, value]);
      else if (value !== "-" && value !== "") fields.set(name, String(value));
    }
    const isAccess = "response_flags" in parsed.object || fields.has("flags");
    if (!isAccess || !(fields.has("status") || fields.has("protocol")))
      return "not an Envoy access line: the JSON has no response code and response flags";
    row.begin();
    const refused = putFields(row, fields);
    if (refused !== undefined) return refused;
    for (const [key, value] of others) {
      if (value !== null) row.extra(`envoyproxy.${key}`, value);
    }
    row.end();
    return undefined;
  };
}

function putFields(row: RowWriter, fields: Fields): string | undefined {
  const time = fields.get("time") ?? "";
  const refused = row.time(jsonTime(time, row.context.zone), time);
  if (refused !== undefined) return refused;
  putRequest(row, fields);
  putAddresses(row, fields);
  row.extra("envoyproxy.response_flags", fields.get("flags")?.split(","));
  row.extra("envoyproxy.response_code_details", fields.get("details"));
  row.extra("envoyproxy.connection_termination_details", fields.get("termination"));
  row.extra("envoyproxy.upstream_transport_failure_reason", fields.get("failure"));
  row.extra("envoyproxy.upstream_cluster", fields.get("cluster"));
  row.extra("envoyproxy.route_name", fields.get("route"));
  row.extra("envoyproxy.requested_server_name", fields.get("serverName"));
  const upstreamMs = Number(fields.get("upstreamTime") ?? Number.NaN);
  if (!Number.isNaN(upstreamMs))
    row.extra("envoyproxy.upstream_service_time", Math.round(upstreamMs * NS_PER_MS));
  return undefined;
}

function putRequest(row: RowWriter, fields: Fields): void {
  const method = fields.get("method");
  row.extra("envoyproxy.proxy_type", method === undefined ? "tcp" : "http");
  if (method === undefined) row.text("event.type", "connection");
  row.text("http.request.method", method);
  row.text("url.original", fields.get("path"));
  row.text("http.version", fields.get("protocol")?.replace(/^HTTP\//i, ""));
  const status = Number(fields.get("status"));
  if (status > 0) row.number("http.response.status_code", status);
  row.extra("http.request.body.bytes", numberOf(fields.get("received")));
  row.number("http.response.body.bytes", fields.get("sent"));
  const ms = Number(fields.get("duration") ?? Number.NaN);
  if (ms >= 0) row.number("event.duration", Math.round(ms * NS_PER_MS));
  row.text("user_agent.original", fields.get("agent"));
  row.text("http.request.id", fields.get("id"));
  const authority = splitHostPort(fields.get("authority") ?? "");
  row.text("url.domain", authority.host);
  row.number("url.port", authority.port);
  const parent = parseTraceparent(fields.get("traceparent") ?? "");
  row.text("trace.id", traceId(fields.get("trace")) ?? parent?.trace);
  row.text("span.id", traceId(fields.get("span")) ?? parent?.span);
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && NUMBER.test(text) ? Number(text) : undefined;

function putAddresses(row: RowWriter, fields: Fields): void {
  const peer = splitHostPort(fields.get("peer") ?? "");
  row.text("source.address", peer.host);
  row.number("source.port", peer.port);
  const forwarded = fields.get("forwarded");
  if (forwarded !== undefined) {
    const { batch, context, extras } = row;
    const line = { columns: accessColumns(batch), context, extras, row: batch.rows };
    putForwardedFor({ ...line, dialect: { vendor: "envoyproxy" } }, forwarded);
  }
  const upstream = splitHostPort(fields.get("upstream")?.replace(/^[a-z]{1,8}:\/\//, "") ?? "");
  row.text("destination.address", upstream.host);
  if (isIP(upstream.host) !== 0) row.text("destination.ip", upstream.host);
  row.number("destination.port", upstream.port);
  row.text("server.address", splitHostPort(fields.get("downstreamLocal") ?? "").host);
}
