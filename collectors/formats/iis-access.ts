import { isIP } from "node:net";

import type { Format } from "../format.ts";
import { ipIn } from "./address.ts";
import { isNative, readNative } from "./iis-native.ts";
import { openNamedFields } from "./named-fields.ts";
import { numberOf, type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";
import { ACCESS_TRAITS } from "./traits.ts";
import { w3cHeader, W3cValues } from "./w3c-fields.ts";

const VENDOR = "iis.access";
const FIELDS_MAX = 100;
/** The fields of lines without a header line, of which the first that fits is used: those of IIS 7 and later by default … */
const LAYOUTS = [
  "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
  // … of IIS 7.0, of IIS 6, with all fields, and those that load balancers and administrators add.
  "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken",
  "date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status",
  "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken",
  "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken X-Forwarded-For",
  "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken X-Forwarded-For",
  "date time s-sitename cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken",
  "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status",
].map((names) => names.split(" "));
const METHOD = /^[A-Za-z_-]{1,32}$/;
const STATUS = /^[1-5]\d\d$/;
/** What a Markdown editor makes of an address in a line that passed through it. */
const LINKED_ADDRESS = /^\[([^\]]{1,64})\]\(http:\/\/[^)]{1,64}\)$/;
const VENDOR_TEXTS = {
  "s-sitename": "site_name",
  "s-computername": "server_name",
  "cs(Cookie)": "cookie",
};
const ECS_NAMES = new Set(
  "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip c-port cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host cs(Host) sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken s-sitename s-computername x-forwarded-for".split(
    " ",
  ),
);

/** IIS logs in the W3C format, whose header line names the fields and whose times are in UTC, or in its own. */
export const iisAccess: Format = {
  dataset: VENDOR,
  title: "IIS access log (W3C or IIS format)",
  requests: "origin",
  traits: ACCESS_TRAITS,
  detection: { path: /w3svc|iis/i, evidence: () => 3 },
  usualPaths: ["C:/inetpub/logs/LogFiles/W3SVC*/u_ex*.log"],
  related: { "related.ip": ["source.ip", "destination.ip"], "related.user": ["user.name"] },
  headerLine: (bytes, start, end) =>
    w3cHeader(
      bytes,
      { start, end },
      (names) => !names.some((name) => name === "x-edge-location" || name === "s-reason"),
    ),
  open(batch, context) {
    return openNamedFields(batch, context, undefined, read);
  },
  toElastic: toConnection,
};

/** Elastic's modules of IIS treat requests as connections, if both addresses are known. */
export function toConnection(document: Record<string, unknown>): void {
  const isConnection =
    document["source.ip"] !== undefined && document["destination.ip"] !== undefined;
  document["event.category"] = isConnection ? ["web", "network"] : ["web"];
  if (isConnection) document["event.type"] = ["connection"];
  else delete document["event.type"];
}

function read(
  line: string,
  named: readonly string[] | undefined,
  row: RowWriter,
): string | undefined {
  if (isNative(line)) return readNative(line, row);
  const fields = line.split(" ", FIELDS_MAX);
  const fits = (names: readonly string[]): boolean => isRequest(new W3cValues(names, fields));
  const names = named ?? LAYOUTS.find((it) => it.length === fields.length && fits(it));
  if (!names)
    return "not an IIS line: no header line (#Fields: …) was read, and the fields are not those of a usual one";
  if (names.length !== fields.length)
    return `not an IIS line: ${fields.length} fields instead of the ${names.length} of its header line`;
  const values = new W3cValues(names, fields);
  if (!isRequest(values)) return "not an IIS line: it has no method, or an invalid status";
  const time = `${values.of("date") ?? ""}T${values.of("time") ?? ""}Z`;
  const bytes = Buffer.from(time);
  // Sites may log no date: then an event has the time of its envelope, or of the line before.
  if (names.includes("date")) {
    const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
    if (refused !== undefined) return refused;
  }
  putEndpoints(values, row);
  putRequest(values, row);
  putVendor(values, row);
  return undefined;
}

/** Whether the values have the types of their fields. */
function isRequest(values: W3cValues): boolean {
  const has = (name: string, pattern: RegExp): boolean => pattern.test(values.of(name) ?? "");
  const lacks = (name: string): boolean => values.of(name) === undefined;
  const isClient = lacks("c-ip") || isIP(plainAddress(values.of("c-ip") ?? "")) !== 0;
  return (
    isClient &&
    (lacks("cs-method") || has("cs-method", METHOD)) &&
    (lacks("sc-status") || has("sc-status", STATUS)) &&
    (lacks("s-port") || has("s-port", /^\d{1,5}$/)) &&
    !(lacks("cs-method") && lacks("sc-status") && lacks("c-ip"))
  );
}

function plainAddress(text: string): string {
  return LINKED_ADDRESS.exec(text)?.[1] ?? text;
}

function putEndpoints(values: W3cValues, row: RowWriter): void {
  const client = plainAddress(values.of("c-ip") ?? "");
  const server = plainAddress(values.of("s-ip") ?? "");
  row.text("source.address", client);
  row.text("source.ip", ipIn(client));
  row.number("source.port", values.of("c-port"));
  row.text("destination.address", server);
  row.text("destination.ip", ipIn(server));
  row.number("destination.port", values.of("s-port"));
}

function putRequest(values: W3cValues, row: RowWriter): void {
  const host = values.of("cs-host") ?? values.of("cs(Host)");
  row.text("http.request.method", values.of("cs-method"));
  row.text("url.original", values.of("cs-uri-stem"));
  row.text("url.query", spaced(values.of("cs-uri-query")));
  row.text("url.domain", host);
  row.text("destination.domain", host);
  row.text("user.name", values.of("cs-username"));
  row.text("http.version", values.of("cs-version")?.replace(/^HTTP\//, ""));
  row.text("user_agent.original", spaced(values.of("cs(User-Agent)")));
  row.text("http.request.referrer", values.of("cs(Referer)"));
  row.number("http.response.status_code", values.of("sc-status"));
  row.number("http.response.body.bytes", values.of("sc-bytes"));
  row.extraNumber("http.request.body.bytes", values.of("cs-bytes"));
  const ms = numberOf(values.of("time-taken"));
  if (ms !== undefined) row.number("event.duration", ms * 1e6);
}

/** IIS writes spaces as `+`. */
const spaced = (text: string | undefined): string | undefined => text?.replaceAll("+", " ");

function putVendor(values: W3cValues, row: RowWriter): void {
  row.extraNumber(`${VENDOR}.sub_status`, values.of("sc-substatus"));
  row.extraNumber(`${VENDOR}.win32_status`, values.of("sc-win32-status"));
  for (const [name, field] of Object.entries(VENDOR_TEXTS)) {
    row.extra(`${VENDOR}.${field}`, values.of(name));
  }
  for (const [name, value] of values.entries()) {
    if (name.toLowerCase() === "x-forwarded-for") row.extra("network.forwarded_ip", value);
    else if (!ECS_NAMES.has(name)) row.extra(`${VENDOR}.${fieldName(name)}`, value);
  }
}

/** `X-Azure-Ref` is `x_azure_ref`, `cs(Accept)` is `cs_accept`. */
const fieldName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, "_")
    .replaceAll(/^_|_$/g, "");
