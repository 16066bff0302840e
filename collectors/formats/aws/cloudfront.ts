import { isIP } from "node:net";

import type { Format } from "#collectors/format.ts";
import { jsonText } from "#collectors/json-text.ts";

import { OPEN_BRACE } from "../bytes.ts";
import { openJsonFields } from "../json-fields.ts";
import { jsonTime } from "../json-time.ts";
import { openNamedFields } from "../named-fields.ts";
import type { RowWriter } from "../text-line.ts";
import { putTlsVersion } from "../tls-version.ts";
import { ACCESS_TRAITS } from "../traits.ts";
import { w3cHeader, W3cValues } from "../w3c-fields.ts";
import { FIELDS_MAX, isOwn, standardName, unnamedFields } from "./cloudfront-fields.ts";

const VENDOR = "aws.cloudfront";
/** Stored under ECS names only. */
const ECS_ONLY = new Set(
  "date time timestamp timestamp(ms) c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-edge-request-id x-host-header cs-protocol cs-bytes sc-bytes time-taken ssl-cipher cs-protocol-version c-port".split(
    " ",
  ),
);
const DECIMAL = /^\d{1,15}(?:\.\d{1,9})?$/;
const IP_HIDDEN = /^\[?([\da-fA-F.:]{2,45})\]?$/;
const EDGE_LOCATION = /^[A-Z]{3}\d*(?:-[A-Z\d]+)*$/;

/** Standard logs of Amazon CloudFront with any fields, which a header line or JSON names, and real-time logs. */
export const cloudFront: Format = {
  dataset: "aws.cloudfront_logs",
  title: "Amazon CloudFront access log",
  requests: "edge",
  traits: ACCESS_TRAITS,
  detection: { path: /cloudfront/i, evidence: () => 4 },
  related: { "related.ip": ["source.ip"] },
  headerLine: (bytes, start, end) => w3cHeader(bytes, { start, end }, (names) => names.some(isOwn)),
  open(batch, context) {
    const text = openNamedFields(batch, context, undefined, readLine);
    const json = openJsonFields(batch, context, readJson);
    return (bytes, start, end) =>
      bytes[start] === OPEN_BRACE ? json(bytes, start, end) : text(bytes, start, end);
  },
};

function readLine(
  line: string,
  named: readonly string[] | undefined,
  row: RowWriter,
): string | undefined {
  const fields = line.split("\t", FIELDS_MAX);
  const names = named ?? unnamedFields(fields, row.context.cloudFrontFields);
  if (typeof names === "string") return `not a CloudFront line: ${names}`;
  if (fields.length > names.length || (named !== undefined && fields.length < names.length))
    return `not a CloudFront line: ${fields.length} fields separated by tabs instead of the ${names.length} of its header line or of QUARTERDECK_CLOUDFRONT_FIELDS`;
  return read(new W3cValues(names.map(standardName), fields), row);
}

/** Standard logs in JSON have the names of the fields. */
function readJson(fields: ReadonlyMap<string, unknown>, row: RowWriter): string | undefined {
  const names = [...fields.keys()];
  if (!names.some(isOwn)) return "not a CloudFront line: no field is one of its own";
  return read(new W3cValues(names.map(standardName), [...fields.values()].map(jsonText)), row);
}

function read(values: W3cValues, row: RowWriter): string | undefined {
  const location = values.of("x-edge-location");
  if (location !== undefined && !EDGE_LOCATION.test(location))
    return "not a CloudFront line: its x-edge-location is none, such as FRA2-C1";
  const time = timeIn(values);
  const refused = row.time(jsonTime(time, row.context.zone), time);
  if (refused !== undefined) return refused;
  row.extra("cloud.provider", "aws");
  putRequest(values, row);
  putClient(values, row);
  for (const [name, value] of values.entries()) putVendor(name, value, row);
  return undefined;
}

/** Real-time logs, and standard logs if they are so configured, have the time since 1970 instead of date and time. */
const timeIn = (values: W3cValues): string =>
  values.of("timestamp(ms)") ??
  values.of("timestamp") ??
  `${values.of("date") ?? ""}T${values.of("time") ?? ""}Z`;

function putRequest(values: W3cValues, row: RowWriter): void {
  const stem = values.of("cs-uri-stem");
  const query = values.of("cs-uri-query");
  row.text("http.request.method", values.of("cs-method"));
  if (stem !== undefined) row.text("url.original", query === undefined ? stem : `${stem}?${query}`);
  row.text("url.domain", values.of("x-host-header") ?? values.of("cs(Host)"));
  row.text("url.scheme", values.of("cs-protocol"));
  row.text("http.version", values.of("cs-protocol-version")?.replace(/^HTTP\//, ""));
  row.text("http.request.referrer", decoded(values.of("cs(Referer)")));
  row.text("user_agent.original", decoded(values.of("cs(User-Agent)")));
  row.text("http.request.id", values.of("x-edge-request-id"));
  row.number("http.request.bytes", values.of("cs-bytes"));
  row.number("http.response.status_code", values.of("sc-status"));
  row.number("http.response.bytes", values.of("sc-bytes"));
  row.number("event.duration", Math.round(Number(values.of("time-taken")) * 1e9));
  row.text("tls.cipher", values.of("ssl-cipher"));
  putTlsVersion(row, values.of("ssl-protocol"));
}

function putClient(values: W3cValues, row: RowWriter): void {
  const client = IP_HIDDEN.exec(values.of("c-ip") ?? "")?.[1];
  if (client !== undefined && isIP(client) !== 0) row.text("source.address", client);
  row.number("source.port", values.of("c-port"));
}

function putVendor(name: string, value: string, row: RowWriter): void {
  if (ECS_ONLY.has(name)) return;
  const field = `${VENDOR}.${vendorName(name)}`;
  if (DECIMAL.test(value)) row.extra(field, Number(value));
  else row.extra(field, decoded(value));
}

/** `x-edge-result-type` is `edge_result_type`, `cs(Cookie)` is `cookie`. */
const vendorName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^(?:x|cs|sc)-/, "")
    .replace(/^[a-z]+\(([^)]{1,64})\)$/, "$1")
    .replaceAll(/[^a-z\d]+/g, "_");

/** CloudFront encodes spaces and other characters as in URLs; those that clients encoded are encoded twice. */
function decoded(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not an encoding of UTF-8: kept as logged.
  }
}
