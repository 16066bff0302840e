import type { Format } from "#collectors/format.ts";

import { openJsonFields } from "../json-fields.ts";
import type { RowWriter } from "../text-line.ts";
import { putDestination, putOthers, putSource, putTime, textIn } from "./json-values.ts";

const VENDOR = "aws.firewall";
const NOT_A_RECORD =
  "not a record of AWS Network Firewall: it has no firewall_name, or no event.event_type";
const KNOWN = new Set(
  [
    "firewall_name availability_zone event_timestamp event.timestamp event.src_ip event.src_port event.dest_ip event.dest_port",
    "event.proto event.app_proto event.event_type event.flow_id event.alert.action event.alert.signature_id event.alert.signature",
    "event.alert.category event.alert.severity event.alert.rev event.netflow.pkts event.netflow.bytes event.netflow.start event.netflow.end",
    "event.http.hostname event.http.url event.http.http_method event.http.http_user_agent event.http.status event.http.protocol",
    "event.tls.sni event.tls.subject event.tls.issuerdn",
  ]
    .join(" ")
    .split(" "),
);

/** Alert, flow and TLS logs of AWS Network Firewall: events of Suricata. */
export const networkFirewall: Format = {
  dataset: "aws.firewall_logs",
  title: "AWS Network Firewall log",
  requests: "none",
  traits: {
    "event.kind": "event",
    "event.category": "network",
    "event.type": "connection",
    levelDecidesType: false,
    namesClients: false,
  },
  detection: { path: /network-firewall/i, evidence: () => 5 },
  related: {
    "related.ip": ["source.ip", "destination.ip"],
    "related.hosts": ["destination.domain"],
  },
  open: (batch, context) => openJsonFields(batch, context, read),
};

type Fields = ReadonlyMap<string, unknown>;

function read(fields: Fields, row: RowWriter): string | undefined {
  const text = (name: string): string | undefined => textIn(fields, name);
  const firewall = text("firewall_name");
  const type = text("event.event_type");
  if (firewall === undefined || type === undefined) return NOT_A_RECORD;
  const time = fields.has("event.timestamp") ? "event.timestamp" : "event_timestamp";
  const refused = putTime(fields, time, row);
  if (refused !== undefined) return refused;
  row.extra("cloud.provider", "aws");
  row.extra("cloud.availability_zone", text("availability_zone"));
  row.extra("observer.name", firewall);
  row.extra("observer.type", "firewall");
  row.extra("network.transport", text("event.proto")?.toLowerCase());
  row.extra("network.protocol", text("event.app_proto"));
  row.extra(`${VENDOR}.event_type`, type);
  row.extra(`${VENDOR}.flow.id`, text("event.flow_id"));
  putSource(text("event.src_ip"), text("event.src_port"), row);
  putDestination(text("event.dest_ip"), text("event.dest_port"), row);
  putAlert(fields, row);
  putFlow(fields, row);
  putProtocols(fields, row);
  putOthers(fields, { vendor: VENDOR, known: KNOWN }, row);
  return undefined;
}

function putAlert(fields: Fields, row: RowWriter): void {
  const text = (name: string): string | undefined => textIn(fields, `event.alert.${name}`);
  const action = text("action");
  if (action === undefined) return;
  const isDenied = action === "blocked";
  row.text("event.kind", "alert");
  row.text("event.action", action);
  row.text("event.outcome", isDenied ? "failure" : "success");
  row.list("event.type", [isDenied ? "denied" : "allowed", "connection"]);
  row.extraNumber("event.severity", text("severity"));
  row.extra("rule.id", text("signature_id"));
  row.extra("rule.name", text("signature"));
  row.extra("rule.category", text("category"));
  row.extra("rule.version", text("rev"));
  row.text("message", text("signature"));
}

function putFlow(fields: Fields, row: RowWriter): void {
  const text = (name: string): string | undefined => textIn(fields, `event.netflow.${name}`);
  row.extraNumber("network.packets", text("pkts"));
  row.extraNumber("network.bytes", text("bytes"));
  row.extraNumber("source.packets", text("pkts"));
  row.extraNumber("source.bytes", text("bytes"));
  row.extra("event.start", text("start"));
  row.extra("event.end", text("end"));
}

function putProtocols(fields: Fields, row: RowWriter): void {
  const text = (name: string): string | undefined => textIn(fields, `event.${name}`);
  row.text("destination.domain", text("http.hostname") ?? text("tls.sni"));
  row.text("url.domain", text("http.hostname"));
  row.text("url.original", text("http.url"));
  row.text("http.request.method", text("http.http_method"));
  row.text("user_agent.original", text("http.http_user_agent"));
  row.number("http.response.status_code", text("http.status"));
  row.text("http.version", text("http.protocol")?.replace(/^HTTP\//, ""));
  row.extra("tls.client.server_name", text("tls.sni"));
  row.extra("tls.server.subject", text("tls.subject"));
  row.extra("tls.server.issuer", text("tls.issuerdn"));
}
