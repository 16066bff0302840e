import { isIP } from "node:net";

import type { Format } from "#collectors/format.ts";

import { openNamedFields } from "../named-fields.ts";
import { type RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";
import { putTlsVersion } from "../tls-version.ts";
import { ACCESS_TRAITS } from "../traits.ts";
import { w3cHeader, W3cValues } from "../w3c-fields.ts";

const VENDOR = "aws.cloudfront";
/** Those of standard logs, in their order. Earlier versions lack the last ones. */
const DEFAULT_FIELDS =
  "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end";
const FIELDS_MIN = 12;
const FIELDS_MAX = 100;
/** Stored under ECS names only. */
const ECS_ONLY = new Set(
  "date time c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-edge-request-id x-host-header cs-protocol cs-bytes sc-bytes time-taken ssl-cipher cs-protocol-version c-port".split(
    " ",
  ),
);
const DECIMAL = /^\d{1,15}(?:\.\d{1,9})?$/;
const IP_HIDDEN = /^\[?([\da-fA-F.:]{2,45})\]?$/;

/** Standard logs of Amazon CloudFront, whose header line names the fields. */
export const cloudFront: Format = {
  dataset: "aws.cloudfront_logs",
  title: "Amazon CloudFront access log",
  requests: "edge",
  traits: ACCESS_TRAITS,
  detection: { path: /cloudfront/i, evidence: () => 4 },
  related: { "related.ip": ["source.ip"] },
  headerLine: (bytes, start, end) =>
    w3cHeader(bytes, { start, end }, (names) => names.includes("x-edge-location")),
  open(batch, context) {
    return openNamedFields(batch, context, DEFAULT_FIELDS.split(" "), read);
  },
};

function read(line: string, names: readonly string[], row: RowWriter): string | undefined {
  const fields = line.split("\t", FIELDS_MAX);
  if (fields.length < FIELDS_MIN || fields.length > names.length)
    return `not a CloudFront line: ${fields.length} fields separated by tabs instead of the ${names.length} of its header line`;
  const values = new W3cValues(names, fields);
  if (!/^[A-Z]{3}\d*(?:-[A-Z\d]+)*$/.test(values.of("x-edge-location") ?? "XXX"))
    return "not a CloudFront line: its third field is no edge location such as FRA2-C1";
  const time = `${values.of("date") ?? ""}T${values.of("time") ?? ""}Z`;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
  if (refused !== undefined) return refused;
  row.extra("cloud.provider", "aws");
  putRequest(values, row);
  putClient(values, row);
  for (const [name, value] of values.entries()) putVendor(name, value, row);
  return undefined;
}

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
