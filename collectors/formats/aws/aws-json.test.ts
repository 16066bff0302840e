import * as fc from "fast-check";
import { expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";

import { parseLine, parseLines } from "../parse-lines.ts";

const WAF = {
  timestamp: 1_773_483_072_345,
  formatVersion: 1,
  webaclId: "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1d2b",
  terminatingRuleId: "AWS-AWSManagedRulesSQLiRuleSet",
  terminatingRuleType: "MANAGED_RULE_GROUP",
  action: "BLOCK",
  terminatingRuleMatchDetails: [{ conditionType: "SQL_INJECTION", location: "QUERY_STRING" }],
  httpSourceName: "ALB",
  httpSourceId: "111122223333-app/shop/50dc",
  ruleGroupList: [],
  rateBasedRuleList: [],
  nonTerminatingMatchingRules: [],
  httpRequest: {
    clientIp: "203.0.113.9",
    country: "DE",
    headers: [
      { name: "Host", value: "shop.example" },
      { name: "User-Agent", value: "Probe/1.0" },
    ],
    uri: "/cart",
    args: "id=1%27--",
    httpVersion: "HTTP/2.0",
    httpMethod: "GET",
    requestId: "1-69b5-23a8",
  },
  labels: [{ name: "awswaf:managed:sqli" }],
  ja3Fingerprint: "f79b",
};
const QUERY = {
  version: "1.100000",
  account_id: "111122223333",
  region: "eu-west-1",
  vpc_id: "vpc-1a2b",
  query_timestamp: "2026-03-14T10:11:12Z",
  query_name: "shop.example.",
  query_type: "A",
  query_class: "IN",
  rcode: "NOERROR",
  answers: [
    { Rdata: "edge.example.", Type: "CNAME", Class: "IN" },
    { Rdata: "203.0.113.9", Type: "A", Class: "IN" },
  ],
  srcaddr: "10.0.0.7",
  srcport: "56067",
  transport: "UDP",
  srcids: { instance: "i-0d15" },
  firewall_rule_action: "ALERT",
  firewall_rule_group_id: "rslvr-frg-1",
};
const FIREWALL = {
  firewall_name: "edge",
  availability_zone: "eu-west-1a",
  event_timestamp: "1773483072",
  event: {
    timestamp: "2026-03-14T10:11:12.345678+0000",
    flow_id: 1_082_084_124_789_123,
    event_type: "alert",
    src_ip: "10.0.0.7",
    src_port: 51_254,
    dest_ip: "203.0.113.9",
    dest_port: 443,
    proto: "TCP",
    app_proto: "tls",
    alert: {
      action: "blocked",
      signature_id: 1_000_003,
      rev: 1,
      signature: "not on the list",
      category: "Policy",
      severity: 1,
    },
    tls: { sni: "evil.example", version: "TLS 1.3" },
  },
};

test("a request that AWS WAF blocked has its rule, its client and its headers", () => {
  const line = JSON.stringify(WAF);
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("aws.waf");
  expect(parseLine("aws.waf", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "event.action": "BLOCK",
    "event.outcome": "failure",
    "event.type": ["access", "denied"],
    "rule.id": "AWS-AWSManagedRulesSQLiRuleSet",
    "rule.ruleset": "MANAGED_RULE_GROUP",
    "cloud.account.id": "111122223333",
    "cloud.region": "eu-west-1",
    "source.ip": "203.0.113.9",
    "url.path": "/cart",
    "url.query": "id=1'--",
    "url.domain": "shop.example",
    "user_agent.original": "Probe/1.0",
    "http.request.method": "GET",
    "http.version": "2.0",
    "aws.waf.source.name": "ALB",
    "aws.waf.ja3_fingerprint": "f79b",
    "aws.waf.labels": [{ name: "awswaf:managed:sqli" }],
  });
});

test("a query of Route 53 Resolver has its question, its answers and what DNS Firewall decided", () => {
  const line = JSON.stringify(QUERY);
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("aws.route53_resolver_logs");
  expect(parseLine("aws.route53_resolver_logs", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "event.action": "alert",
    "event.outcome": "success",
    "dns.question.name": "shop.example",
    "dns.question.type": "A",
    "dns.response_code": "NOERROR",
    "dns.resolved_ip": ["203.0.113.9"],
    "network.transport": "udp",
    "source.ip": "10.0.0.7",
    "source.port": 56_067,
    "cloud.instance.id": "i-0d15",
    "related.ip": ["10.0.0.7", "203.0.113.9"],
    "aws.route53_resolver_logs.vpc_id": "vpc-1a2b",
  });
  const failed = { ...QUERY, rcode: "NXDOMAIN", answers: [] };
  expect(parseLine("aws.route53_resolver_logs", JSON.stringify(failed))).toMatchObject({
    "event.outcome": "failure",
    "dns.type": "query",
  });
});

test("an alert of AWS Network Firewall has its rule and both ends, and a flow its bytes", () => {
  const line = JSON.stringify(FIREWALL);
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("aws.firewall_logs");
  expect(parseLine("aws.firewall_logs", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "event.kind": "alert",
    "event.action": "blocked",
    "event.outcome": "failure",
    "event.type": ["denied", "connection"],
    "rule.id": "1000003",
    "rule.name": "not on the list",
    "observer.name": "edge",
    "source.ip": "10.0.0.7",
    "destination.ip": "203.0.113.9",
    "destination.port": 443,
    "destination.domain": "evil.example",
    "network.transport": "tcp",
    "network.protocol": "tls",
  });
  const netflow = {
    pkts: 7,
    bytes: 4_249,
    start: "2026-03-14T10:10:12Z",
    end: "2026-03-14T10:11:12Z",
  };
  const { alert: _, tls: __, ...event } = FIREWALL.event;
  const flow = { ...FIREWALL, event: { ...event, event_type: "netflow", netflow } };
  expect(parseLine("aws.firewall_logs", JSON.stringify(flow))).toMatchObject({
    "event.kind": "event",
    "event.type": ["connection"],
    "network.bytes": 4_249,
    "event.end": "2026-03-14T10:11:12Z",
  });
});

test.each([
  ["aws.waf", WAF],
  ["aws.route53_resolver_logs", QUERY],
  ["aws.firewall_logs", FIREWALL],
  ["aws.cloudfront_logs", { "x-edge-location": "FRA2-C1", date: "2026-03-14", time: "10:11:12" }],
])("no JSON makes %s fail, and other JSON is not of it", (dataset, record) => {
  const anywhere = fc.record({
    name: fc.constantFrom(...Object.keys(record)),
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(anywhere, ({ name, value }) => {
      const changed = JSON.stringify({ ...record, [name]: value });
      expect(parseLines(dataset, `${changed}\n`).length).toBeLessThanOrEqual(1);
    }),
  );
  for (const name of Object.keys(record)) {
    const hostile = JSON.stringify({ ...record, [name]: [{ toString: false }] });
    expect(parseLines(dataset, `${hostile}\n`).length).toBeLessThanOrEqual(1);
  }
  expect(parseLine(dataset, '{"level":"info","msg":"ready"}')).toMatchObject({
    "event.kind": "pipeline_error",
  });
});
