import { isIP, isIPv4 } from "node:net";

import type { Format } from "#collectors/format.ts";

import { textOf } from "../bytes.ts";
import { communityId } from "../community-id.ts";
import { openNamedFields } from "../named-fields.ts";
import { numberOf, type RowWriter } from "../text-line.ts";

const VENDOR = "aws.vpcflow";
/** The default format, which has no header line where CloudWatch Logs delivers it. */
const DEFAULT_FIELDS =
  "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
/** Those of the versions 2 to 10, and of transit gateways. */
const FIELDS = new Set(
  [
    DEFAULT_FIELDS,
    "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id",
    "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path reject-reason encryption-status resource-id",
    "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id",
    "ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id",
    "resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id",
    "tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id",
    "packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired",
  ]
    .join(" ")
    .split(" "),
);
/** Names that only flow logs have: a header line has one of them, or at least so many of theirs. */
const HEADER_NAMES = new Set(["interface-id", "srcaddr", "pkt-srcaddr", "tgw-id", "resource-type"]);
const HEADER_NAMES_MIN = 4;
const NAME = /^[a-z][a-z\d]*(?:-[a-z\d]+)*$/;
const HEADER_BYTES_MAX = 4096;
const FIELDS_MAX = 100;
/** Stored under ECS names only. */
const ECS_ONLY = new Set(
  "srcaddr dstaddr srcport dstport protocol packets bytes start end".split(" "),
);
const NUMBERS = new Set(["version", "tcp-flags", "traffic-path"]);
const FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg"];
/** Names of the protocols' numbers of IANA. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  "1": "icmp",
  "2": "igmp",
  "4": "ipv4",
  "6": "tcp",
  "17": "udp",
  "41": "ipv6",
  "47": "gre",
  "50": "esp",
  "51": "ah",
  "58": "ipv6-icmp",
  "132": "sctp",
};
const OUTCOMES: Readonly<Record<string, { outcome: string; type: string }>> = {
  ACCEPT: { outcome: "success", type: "allowed" },
  REJECT: { outcome: "failure", type: "denied" },
};

/** Flow logs of VPCs and transit gateways: the default format, and custom ones, whose header line names the fields. */
export const vpcFlow: Format = {
  dataset: VENDOR,
  title: "AWS VPC flow log",
  requests: "none",
  traits: {
    "event.kind": "event",
    "event.category": "network",
    "event.type": "connection",
    levelDecidesType: false,
    namesClients: false,
  },
  detection: { path: /vpcflowlogs|flow-?log/i, evidence: () => 2 },
  related: {
    "related.ip": ["source.ip", "destination.ip", `${VENDOR}.pkt_srcaddr`, `${VENDOR}.pkt_dstaddr`],
  },
  headerLine(bytes, start, end) {
    if (end - start > HEADER_BYTES_MAX) return undefined;
    const names = textOf(bytes, start, end).split(" ");
    const isHeader = names.every((name) => NAME.test(name));
    if (!isHeader) return undefined;
    const known = names.filter((name) => FIELDS.has(name)).length;
    const isOwn = names.some((name) => HEADER_NAMES.has(name)) || known >= HEADER_NAMES_MIN;
    return isOwn ? names.join(" ") : undefined;
  },
  open(batch, context) {
    return openNamedFields(batch, context, DEFAULT_FIELDS.split(" "), read);
  },
  toElastic(document) {
    // Elastic's module takes the time from the field `end`, which custom formats may lack.
    if (document["event.end"] === undefined) delete document["@timestamp"];
    if (document["event.outcome"] === undefined) document["event.type"] = ["connection"];
  },
};

function read(line: string, names: readonly string[], row: RowWriter): string | undefined {
  const values = line.split(" ", FIELDS_MAX);
  if (values.length !== names.length)
    return `not a flow log line: ${values.length} fields instead of the ${names.length} of its header line or of the default format`;
  const value = (name: string): string | undefined => {
    const text = values[names.indexOf(name)];
    return text === "-" ? undefined : text;
  };
  if (
    names.includes("interface-id") &&
    !/^(?:eni-|-$)/.test(values[names.indexOf("interface-id")] ?? "")
  )
    return "not a flow log line: the interface is no eni-…";
  const refused = putTimes(value("start"), value("end"), row);
  if (refused !== undefined) return refused;
  for (const name of names) putVendor(name, value(name), row);
  putEndpoints(value, row);
  putTransport(value, row);
  putAction(value("action"), row);
  row.extra("cloud.provider", "aws");
  row.extra("cloud.account.id", value("account-id"));
  row.extra("cloud.instance.id", value("instance-id"));
  row.extra("cloud.region", value("region"));
  row.extra("network.direction", value("flow-direction"));
  return undefined;
}

type Value = (name: string) => string | undefined;

/** Seconds since 1970. The time of the event is the end of its interval. */
function putTimes(
  start: string | undefined,
  end: string | undefined,
  row: RowWriter,
): string | undefined {
  const endMs = secondsMs(end);
  const startMs = secondsMs(start);
  const ms = endMs ?? startMs;
  const refused = ms === undefined ? undefined : row.time(ms, end ?? start ?? "");
  if (refused !== undefined) return refused;
  row.extra("event.start", isoTime(startMs));
  row.extra("event.end", isoTime(endMs));
  return undefined;
}

function secondsMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{9,11}$/.test(text) ? Number(text) * 1000 : undefined;
}

const isoTime = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

function putVendor(name: string, text: string | undefined, row: RowWriter): void {
  if (text === undefined || ECS_ONLY.has(name)) return;
  const field = `${VENDOR}.${name.replaceAll("-", "_")}`;
  if (NUMBERS.has(name)) row.extraNumber(field, text);
  else row.extra(field, text);
  if (name !== "tcp-flags") return;
  const flags = FLAGS.filter((_, bit) => (Number(text) & (1 << bit)) !== 0);
  if (flags.length > 0) row.extra(`${field}_array`, flags);
}

function putEndpoints(value: Value, row: RowWriter): void {
  const source = value("srcaddr");
  const destination = value("dstaddr");
  row.text("source.address", source);
  row.text("destination.address", destination);
  if (isIP(destination ?? "") !== 0) row.text("destination.ip", destination);
  row.number("source.port", value("srcport"));
  row.number("destination.port", value("dstport"));
  row.extraNumber("source.packets", value("packets"));
  row.extraNumber("source.bytes", value("bytes"));
  row.extraNumber("network.packets", value("packets"));
  row.extraNumber("network.bytes", value("bytes"));
  if (source !== undefined && isIP(source) !== 0)
    row.extra("network.type", isIPv4(source) ? "ipv4" : "ipv6");
}

function putTransport(value: Value, row: RowWriter): void {
  const number = value("protocol");
  if (number === undefined) return;
  row.extra("network.iana_number", number);
  row.extra("network.transport", TRANSPORTS[number]);
  const from = { ip: value("srcaddr") ?? "", port: numberOf(value("srcport")) ?? 0 };
  const to = { ip: value("dstaddr") ?? "", port: numberOf(value("dstport")) ?? 0 };
  row.extra(
    "network.community_id",
    communityId({ source: from, destination: to, protocol: Number(number) }),
  );
}

function putAction(action: string | undefined, row: RowWriter): void {
  if (action === undefined) return;
  row.text("event.action", action.toLowerCase());
  const meaning = OUTCOMES[action];
  row.text("event.outcome", meaning?.outcome);
  if (meaning) row.list("event.type", [meaning.type, "connection"]);
}
