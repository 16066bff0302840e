import type { Format } from "#collectors/format.ts";

import { openJsonFields } from "../json-fields.ts";
import type { RowWriter } from "../text-line.ts";
import { ACCESS_TRAITS } from "../traits.ts";
import { putOthers, putSource, putTime, textIn } from "./json-values.ts";

const VENDOR = "aws.waf";
const NOT_A_RECORD = "not a record of AWS WAF: it has no webaclId, or no httpRequest";
/** Stored under names of ECS, or as texts of their own. */
const KNOWN = new Set(
  "timestamp webaclId terminatingRuleId terminatingRuleType action httpSourceName httpSourceId httpRequest.clientIp httpRequest.country httpRequest.uri httpRequest.args httpRequest.httpVersion httpRequest.httpMethod httpRequest.requestId httpRequest.headers httpRequest.host httpRequest.scheme".split(
    " ",
  ),
);
/** `arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1d2b` */
const ARN = /^arn:aws[a-z-]{0,20}:wafv2:([a-z0-9-]{1,40}):(\d{12}):(\w{1,20})\/webacl\//;
/** What the rules decided, and whether the request went on. */
const OUTCOMES: Readonly<Record<string, { outcome: string; type: string }>> = {
  ALLOW: { outcome: "success", type: "allowed" },
  COUNT: { outcome: "success", type: "allowed" },
  BLOCK: { outcome: "failure", type: "denied" },
  CAPTCHA: { outcome: "failure", type: "denied" },
  CHALLENGE: { outcome: "failure", type: "denied" },
};

/** Requests that web ACLs of AWS WAF examined. They have no status, and are in the log of what WAF protects. */
export const waf: Format = {
  dataset: VENDOR,
  title: "AWS WAF log",
  requests: "none",
  traits: ACCESS_TRAITS,
  detection: { path: /aws-waf-logs|waf/i, evidence: () => 5 },
  related: { "related.ip": ["source.ip"] },
  open: (batch, context) => openJsonFields(batch, context, read),
};

type Fields = ReadonlyMap<string, unknown>;

function read(fields: Fields, row: RowWriter): string | undefined {
  const text = (name: string): string | undefined => textIn(fields, name);
  const acl = text("webaclId");
  if (acl === undefined || !fields.has("httpRequest.httpMethod")) return NOT_A_RECORD;
  const refused = putTime(fields, "timestamp", row);
  if (refused !== undefined) return refused;
  const [, region, account] = ARN.exec(acl) ?? [];
  row.extra("cloud.provider", "aws");
  row.extra("cloud.account.id", account);
  row.extra("cloud.region", region);
  row.extra(`${VENDOR}.arn`, acl);
  row.extra(`${VENDOR}.source.name`, text("httpSourceName"));
  row.extra(`${VENDOR}.source.id`, text("httpSourceId"));
  row.extra("rule.id", text("terminatingRuleId"));
  row.extra("rule.ruleset", text("terminatingRuleType"));
  putAction(text("action"), row);
  putRequest(fields, row);
  putOthers(fields, { vendor: VENDOR, known: KNOWN }, row);
  return undefined;
}

function putAction(action: string | undefined, row: RowWriter): void {
  row.text("event.action", action);
  const meaning = OUTCOMES[action ?? ""];
  row.text("event.outcome", meaning?.outcome);
  if (meaning) row.list("event.type", ["access", meaning.type]);
}

function putRequest(fields: Fields, row: RowWriter): void {
  const text = (name: string): string | undefined => textIn(fields, `httpRequest.${name}`);
  putSource(text("clientIp"), undefined, row);
  row.text("source.geo.country_iso_code", text("country"));
  row.text("http.request.method", text("httpMethod"));
  row.text("http.request.id", text("requestId"));
  row.text("http.version", text("httpVersion")?.replace(/^HTTP\//, ""));
  row.text("url.scheme", text("scheme"));
  const [uri, query] = [text("uri"), text("args")];
  if (uri !== undefined) row.text("url.original", query === undefined ? uri : `${uri}?${query}`);
  const header = headersIn(fields.get("httpRequest.headers"));
  row.text("url.domain", text("host") ?? header.get("host"));
  row.text("user_agent.original", header.get("user-agent"));
  row.text("http.request.referrer", header.get("referer"));
  row.extra(`${VENDOR}.request.headers`, Object.fromEntries(header));
}

/** `[{"name": "Host", "value": "shop.example"}]` by names in lower case. */
function headersIn(list: unknown): Map<string, string> {
  const headers = new Map<string, string>();
  for (const item of Array.isArray(list) ? list : []) {
    if (typeof item !== "object" || item === null || !("name" in item && "value" in item)) continue;
    const { name, value } = item;
    if (typeof name === "string" && typeof value === "string")
      headers.set(name.toLowerCase(), value);
  }
  return headers;
}
