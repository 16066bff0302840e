import type { Format } from "#collectors/format.ts";
import { jsonText } from "#collectors/json-text.ts";

import { openJsonFields } from "../json-fields.ts";
import type { RowWriter } from "../text-line.ts";
import { putOthers, putSource, putTime, textIn } from "./json-values.ts";

const VENDOR = "aws.route53_resolver_logs";
const NOT_A_QUERY =
  "not a query of Route 53 Resolver: it has no query_name, query_timestamp or vpc_id";
const KNOWN = new Set(
  "query_timestamp query_name query_type query_class rcode answers srcaddr srcport transport account_id region srcids.instance firewall_rule_action".split(
    " ",
  ),
);

/** Query logs of Amazon Route 53 Resolver. */
export const resolver: Format = {
  dataset: VENDOR,
  title: "Amazon Route 53 Resolver query log",
  requests: "none",
  traits: {
    "event.kind": "event",
    "event.category": "network",
    "event.type": "protocol",
    levelDecidesType: false,
    namesClients: false,
  },
  detection: { path: /vpcdnsquerylogs|resolver/i, evidence: () => 5 },
  related: {
    "related.ip": ["source.ip", "dns.resolved_ip"],
    "related.hosts": ["dns.question.name"],
  },
  open: (batch, context) => openJsonFields(batch, context, read),
};

type Fields = ReadonlyMap<string, unknown>;

function read(fields: Fields, row: RowWriter): string | undefined {
  const text = (name: string): string | undefined => textIn(fields, name);
  const name = text("query_name");
  if (name === undefined || !fields.has("query_timestamp") || !fields.has("vpc_id"))
    return NOT_A_QUERY;
  const refused = putTime(fields, "query_timestamp", row);
  if (refused !== undefined) return refused;
  const code = text("rcode");
  row.extra("cloud.provider", "aws");
  row.extra("cloud.account.id", text("account_id"));
  row.extra("cloud.region", text("region"));
  row.extra("cloud.instance.id", text("srcids.instance"));
  row.extra("network.protocol", "dns");
  row.extra("network.transport", text("transport")?.toLowerCase());
  putSource(text("srcaddr"), text("srcport"), row);
  row.extra("dns.question.name", name === "." ? name : name.replace(/\.$/, ""));
  row.extra("dns.question.type", text("query_type"));
  row.extra("dns.question.class", text("query_class"));
  row.extra("dns.response_code", code);
  row.text("event.outcome", code === "NOERROR" ? "success" : code && "failure");
  putAnswers(fields.get("answers"), row);
  putRule(text("firewall_rule_action"), row);
  putOthers(fields, { vendor: VENDOR, known: KNOWN }, row);
  return undefined;
}

type Answer = { data: string; type: string; class: string };

function putAnswers(list: unknown, row: RowWriter): void {
  const answers = (Array.isArray(list) ? list : []).flatMap((item) => answerIn(item) ?? []);
  row.extra("dns.type", answers.length > 0 ? "answer" : "query");
  if (answers.length === 0) return;
  row.extra("dns.answers", answers);
  const ips = answers.filter(({ type }) => type === "A" || type === "AAAA");
  if (ips.length > 0)
    row.extra(
      "dns.resolved_ip",
      ips.map(({ data }) => data),
    );
}

function answerIn(item: unknown): Answer | undefined {
  if (typeof item !== "object" || item === null || !("Rdata" in item)) return undefined;
  const { Rdata, Type = "", Class = "" }: Record<string, unknown> = { ...item };
  return { data: jsonText(Rdata), type: jsonText(Type), class: jsonText(Class) };
}

/** What a rule of DNS Firewall decided. */
function putRule(action: string | undefined, row: RowWriter): void {
  if (action === undefined) return;
  row.text("event.action", action.toLowerCase());
  row.list("event.type", ["protocol", action === "BLOCK" ? "denied" : "allowed"]);
}
