import { isIP } from "node:net";

import type { Format } from "#collectors/format.ts";

import { putRequestLine } from "../request-line.ts";
import { openTextLine, type RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";
import { putTlsVersion } from "../tls-version.ts";
import { ACCESS_TRAITS } from "../traits.ts";
import { wordsOf } from "../words.ts";

const VENDOR = "aws.s3access";
const WORDS_MAX = 40;
const WORDS_MIN = 18;
const OPERATION = /^[A-Z\d]+(?:\.[A-Z\d_]+){1,3}$/;
/** `bucket.s3.eu-central-1.amazonaws.com`; older endpoints have a dash before the region, or none. */
const REGION = /(?:^|\.)s3(?:-website|-accesspoint|\.dualstack)*[.-]([a-z]{2}(?:-[a-z]+)+-\d)\./;
/** The fields after the request URI, in the order of the log. */
const NAMES =
  "http_status error_code bytes_sent object_size total_time turn_around_time referrer user_agent version_id host_id signature_version cipher_suite authentication_type host_header tls_version access_point_arn acl_required source_region".split(
    " ",
  );
const NUMBERS = new Set([
  "http_status",
  "bytes_sent",
  "object_size",
  "total_time",
  "turn_around_time",
]);
/** Fields that Elastic's module does not have. */
const ADDED = ["source.address", "source.ip", "http.response.body.bytes"];

export const s3Access: Format = {
  dataset: VENDOR,
  title: "Amazon S3 server access log",
  requests: "origin",
  traits: ACCESS_TRAITS,
  detection: { evidence: () => 4 },
  related: { "related.ip": ["client.ip"], "related.user": [`${VENDOR}.bucket_owner`] },
  open(batch, context) {
    return openTextLine(batch, context, read);
  },
  toElastic(document) {
    for (const name of ADDED) delete document[name];
  },
};

function read(line: string, row: RowWriter): string | undefined {
  const words = wordsOf(line, WORDS_MAX);
  const [owner, bucket, time = "", client, requester, id, operation = "", key, request = "-"] =
    words;
  if (words.length < WORDS_MIN || !OPERATION.test(operation))
    return "not an S3 server access line: no operation such as REST.GET.OBJECT after the request id";
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
  if (refused !== undefined) return refused;
  row.extra("cloud.provider", "aws");
  row.extra(`${VENDOR}.bucket_owner`, owner);
  row.extra(`${VENDOR}.bucket`, bucket);
  row.extra(`${VENDOR}.requester`, requester);
  row.extra(`${VENDOR}.request_id`, id);
  row.extra(`${VENDOR}.operation`, operation);
  row.extra(`${VENDOR}.key`, key);
  row.extra(`${VENDOR}.request_uri`, request);
  putClient(client, row);
  row.extra("client.user.id", requester);
  row.extra("event.id", id);
  row.text("event.action", operation);
  putRequestLine(row, request);
  putResponse(words.slice(9), row);
  return undefined;
}

function putClient(client: string | undefined, row: RowWriter): void {
  if (client === undefined || isIP(client) === 0) return;
  row.extra(`${VENDOR}.remote_ip`, client);
  row.extra("client.address", client);
  row.extra("client.ip", client);
  row.text("source.address", client);
}

function putResponse(words: readonly string[], row: RowWriter): void {
  const value = (name: string): string | undefined => words[NAMES.indexOf(name)];
  for (const name of NAMES) {
    if (NUMBERS.has(name)) row.extraNumber(`${VENDOR}.${name}`, value(name));
    else row.extra(`${VENDOR}.${name}`, value(name));
  }
  const error = value("error_code");
  row.extra("event.code", error === "-" ? undefined : error);
  row.number("http.response.status_code", value("http_status"));
  row.number("http.response.body.bytes", value("bytes_sent"));
  row.number("event.duration", Number(value("total_time")) * 1e6);
  row.text("http.request.referrer", value("referrer"));
  row.text("user_agent.original", value("user_agent"));
  row.text("tls.cipher", value("cipher_suite"));
  putTlsVersion(row, value("tls_version"));
  row.extra("cloud.region", REGION.exec(value("host_header")?.slice(0, 256) ?? "")?.[1]);
}
