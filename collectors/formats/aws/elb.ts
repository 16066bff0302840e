import { isIP } from "node:net";

import type { Format } from "#collectors/format.ts";
import { UTC } from "#collectors/zone.ts";

import { splitHostPort } from "../address.ts";
import { putRequestLine } from "../request-line.ts";
import { numberOf, openTextLine, type RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";
import { putTlsVersion } from "../tls-version.ts";
import { wordsOf } from "../words.ts";

const WORDS_MAX = 40;
/** The types of an Application Load Balancer's entries. */
const ALB_TYPES = new Set(["http", "https", "h2", "grpc", "grpcs", "ws", "wss"]);
const NLB_VERSION = /^\d\.\d$/;
const STATUS = /^[1-5]\d\d$/;
const NOT_A_LINE = "not a load balancer line";
/** Fields that Elastic's module does not have. */
const ADDED = ["source.address", "event.type", "event.duration", "http.request.bytes"];

/**
 * Access logs of Elastic Load Balancing: Application Load Balancers, also their connection logs, Network Load Balancers (TLS
 * listeners), and Classic Load Balancers (HTTP and TCP).
 */
export const elb: Format = {
  dataset: "aws.elb_logs",
  title: "AWS load balancer access log (ALB, NLB, Classic)",
  requests: "ingress",
  hasOtherEvents: true,
  traits: {
    "event.kind": "event",
    "event.category": "network",
    "event.type": "connection",
    levelDecidesType: false,
    namesClients: false,
  },
  detection: { path: /elasticloadbalancing|[/_.-]elb/i, evidence: () => 3 },
  open(batch, context) {
    return openTextLine(batch, context, (line, row) => {
      const words = wordsOf(line, WORDS_MAX);
      row.extra("cloud.provider", "aws");
      if (ALB_TYPES.has(words[0] ?? "")) return readApplication(words, row);
      if (isIP(words[1] ?? "") !== 0) return readConnection(words, row);
      return NLB_VERSION.test(words[1] ?? "") ? readNetwork(words, row) : readClassic(words, row);
    });
  },
  toElastic(document) {
    for (const name of ADDED) delete document[name];
    document["event.end"] = document["@timestamp"];
    if (document["aws.elb.trace_id"] !== undefined) {
      document["tracing.trace.id"] = document["aws.elb.trace_id"];
      delete document["trace.id"];
    }
  },
};

/** Time, name, client and target, which all kinds have in this order; the time is when the response was sent. */
function putCommon(words: readonly string[], row: RowWriter): string | undefined {
  const [time = "", name, client = "", target = ""] = words;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, UTC), time);
  if (refused !== undefined) return `${NOT_A_LINE}: ${refused}`;
  const from = splitHostPort(client);
  if (isIP(from.host) === 0) return `${NOT_A_LINE}: no client address: ${client.slice(0, 60)}`;
  row.text("source.address", from.host);
  row.number("source.port", from.port);
  row.extra("aws.elb.name", name);
  const to = splitHostPort(target);
  if (isIP(to.host) === 0) return undefined;
  row.extra("aws.elb.backend.ip", to.host);
  row.extra("aws.elb.backend.port", to.port);
  return undefined;
}

const TIMES = ["request_processing_time", "backend_processing_time", "response_processing_time"];

/** Seconds; -1 if the step was not reached. Their sum is the duration, if all were. */
function putTimes(texts: readonly string[], row: RowWriter): boolean {
  const seconds = texts.map(numberOf);
  if (texts.length < TIMES.length || seconds.includes(undefined)) return false;
  let sum = 0;
  for (const [index, value = -1] of seconds.entries()) {
    sum = value < 0 ? Number.NaN : sum + value;
    if (value >= 0) row.extra(`aws.elb.${TIMES[index]}.sec`, value);
  }
  row.number("event.duration", Math.round(sum * 1e9));
  return true;
}

/** What follows the target of Application and Classic Load Balancers, up to the TLS protocol. */
function putExchange(words: readonly string[], row: RowWriter): string | undefined {
  if (!putTimes(words.slice(0, 3), row)) return `${NOT_A_LINE}: no processing times`;
  const [, , , status = "", targetStatus, received, sent, request = "", agent, cipher, protocol] =
    words;
  if (sent === undefined) return `${NOT_A_LINE}: it ends before the bytes sent`;
  const isHttp = STATUS.test(status) || (status === "-" && !/^- - - ?$/.test(request));
  row.extra("aws.elb.protocol", isHttp ? "http" : "tcp");
  if (isHttp) {
    row.text("event.category", "web");
    row.text("event.type", "access");
    row.number("http.response.status_code", numberOf(status));
    row.extraNumber("aws.elb.backend.http.response.status_code", targetStatus);
    row.extraNumber("http.request.body.bytes", received);
    row.number("http.response.body.bytes", sent);
    putRequestLine(row, request);
    row.text("user_agent.original", agent);
  } else {
    row.extraNumber("source.bytes", received);
    row.extraNumber("destination.bytes", sent);
  }
  putTls(cipher, protocol, row);
  return undefined;
}

function putTls(cipher: string | undefined, protocol: string | undefined, row: RowWriter): void {
  row.extra("aws.elb.ssl_cipher", cipher);
  row.extra("aws.elb.ssl_protocol", protocol);
  row.text("tls.cipher", cipher);
  putTlsVersion(row, protocol);
}

function readClassic(words: readonly string[], row: RowWriter): string | undefined {
  return putCommon(words, row) ?? putExchange(words.slice(4), row);
}

function readApplication(words: readonly string[], row: RowWriter): string | undefined {
  const refused = putCommon(words.slice(1), row) ?? putExchange(words.slice(5), row);
  if (refused !== undefined) return refused;
  row.extra("aws.elb.type", words[0]);
  const [group, trace, domain, certificate, priority, created, actions = "-", redirect, error] =
    words.slice(16);
  row.extra("aws.elb.target_group.arn", group);
  row.extra("aws.elb.trace_id", trace);
  row.text("trace.id", trace);
  row.text("destination.domain", domain);
  row.extra("aws.elb.chosen_cert.arn", certificate);
  if (priority !== "-1") row.extra("aws.elb.matched_rule_priority", priority);
  row.extra("event.start", created);
  if (actions !== "-") row.extra("aws.elb.action_executed", actions.split(","));
  row.extra("aws.elb.redirect_url", redirect);
  row.extra("aws.elb.error.reason", error);
  putTargets(words.slice(25), row);
  return undefined;
}

/** What later versions appended. */
function putTargets(words: readonly string[], row: RowWriter): void {
  const [targets = "-", statuses = "-", classification, reason, connection, ...transformed] = words;
  if (targets !== "-") row.extra("aws.elb.target_port", targets.split(" "));
  if (statuses !== "-") row.extra("aws.elb.target_status_code", statuses.split(" "));
  row.extra("aws.elb.classification", classification);
  row.extra("aws.elb.classification_reason", reason);
  row.extra("aws.elb.connection_trace_id", connection);
  for (const [index, name] of ["host", "uri", "status"].entries()) {
    row.extra(`aws.elb.transformed.${name}`, transformed[index]);
  }
}

/** A TLS listener's entry, which has no request. */
function readNetwork(words: readonly string[], row: RowWriter): string | undefined {
  const [type, , time = "", name = "", listener, client = "", target = "", ...rest] = words;
  const refused = putCommon([time, name, client, target], row);
  if (refused !== undefined) return refused;
  const [connectMs, handshakeMs, received, sent, alert, certificate, serial, cipher, protocol] =
    rest;
  if (sent === undefined) return `${NOT_A_LINE}: it ends before the bytes sent`;
  row.extra("aws.elb.type", type);
  row.extra("aws.elb.protocol", "tcp");
  row.extra("aws.elb.listener", listener);
  row.extraNumber("aws.elb.connection_time.ms", connectMs);
  row.extraNumber("aws.elb.tls_handshake_time.ms", handshakeMs);
  row.number("event.duration", Number(connectMs) * 1e6);
  row.extraNumber("source.bytes", received);
  row.extraNumber("destination.bytes", sent);
  row.extra("aws.elb.incoming_tls_alert", alert);
  row.extra("aws.elb.chosen_cert.arn", certificate);
  row.extra("aws.elb.chosen_cert.serial", serial);
  putTls(cipher, protocol, row);
  const [group, domain, clientAlpn, targetAlpn, preferred, established] = rest.slice(9);
  row.extra("aws.elb.tls_named_group", group);
  row.text("destination.domain", domain);
  row.extra("aws.elb.alpn.frontend_protocol", clientAlpn);
  row.extra("aws.elb.alpn.backend_protocol", targetAlpn);
  row.extra("aws.elb.alpn.client_preference_list", preferred);
  row.extra("event.start", established);
  return undefined;
}

/** An entry of the connection log of an Application Load Balancer: a client and how its TLS handshake ended. */
function readConnection(words: readonly string[], row: RowWriter): string | undefined {
  const [time = "", client, port, listener = "", protocol, cipher, seconds, ...rest] = words;
  const [subject, validity, serial, status, trace, keyExchange] = rest;
  if (!/^\d{1,5}$/.test(listener) || trace === undefined)
    return `${NOT_A_LINE}: a connection has a listener port and ends with its trace id`;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, UTC), time);
  if (refused !== undefined) return `${NOT_A_LINE}: ${refused}`;
  row.text("source.address", client);
  row.number("source.port", port);
  row.number("destination.port", listener);
  row.extra("aws.elb.type", "connection");
  row.extra("aws.elb.protocol", "tcp");
  if (protocol !== "-") row.extraNumber("aws.elb.tls_handshake_time.ms", milliseconds(seconds));
  row.extra("tls.client.subject", subject);
  row.extra("aws.elb.client_cert.validity", validity);
  row.extra("aws.elb.client_cert.serial", serial);
  row.extra("aws.elb.tls_verify_status", status);
  row.extra("aws.elb.connection_trace_id", trace);
  row.extra("aws.elb.tls_named_group", keyExchange);
  const [result, reason] = (status ?? "-").split(":");
  if (result === "Success" || result === "Failed") {
    row.text("event.outcome", result === "Success" ? "success" : "failure");
    row.extra("event.reason", reason);
  }
  putTls(cipher, protocol, row);
  return undefined;
}

function milliseconds(seconds: string | undefined): string | undefined {
  const value = numberOf(seconds);
  return value === undefined ? undefined : String(Math.round(value * 1e6) / 1e3);
}
