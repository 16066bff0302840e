import { createHash } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";
import { Parser } from "#collectors/parse.ts";
import { UTC } from "#collectors/zone.ts";

import { communityId } from "../community-id.ts";
import { formatNamed } from "../index.ts";
import { NOW_MS, parseLine, parseLines } from "../parse-lines.ts";

const CLASSIC =
  '2026-03-14T10:11:12.345678Z shop 203.0.113.9:4711 10.0.0.7:8080 0.000025 0.5 0.000075 200 201 12 340 "GET https://shop.example:443/cart?id=7 HTTP/1.1" "Probe 1.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2';
const TCP =
  '2026-03-14T10:11:12.345678Z db 203.0.113.9:4711 - -1 -1 -1 - - 82 305 "- - - " "-" - -';
const ALB =
  'h2 2026-03-14T10:11:12.345678Z app/shop/50dc6c49 [2001:db8::7]:4711 10.0.0.7:8080 0.001 0.200 0.002 502 - 34 366 "POST https://shop.example:443/pay HTTP/2.0" "Probe \\x22q\\x22" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/73e2 "Root=1-58337364-23a8" "shop.example" "arn:aws:acm:eu-central-1:111122223333:certificate/d845" 3 2026-03-14T10:11:12.100000Z "waf,forward" "-" "TargetConnectionErrorCode" "10.0.0.7:8080 10.0.0.8:8080" "- 502" "Ambiguous" "SuspiciousHeader" TID_dc57';
const NLB =
  'tls 2.0 2026-03-14T10:11:12 net/shop/c6e7 g3d4 203.0.113.9:4711 10.0.0.7:443 5 2 98 246 - arn:aws:acm:eu-central-1:111122223333:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 - shop.example h2 http/1.1 "h2","http/1.1" 2026-03-14T10:11:07';
const CONNECTION =
  '2026-03-14T10:11:12.345678Z 203.0.113.9 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 0.0025 "CN=client,O=Shop" NotBefore=2025-09-21T22:43:21Z;NotAfter=2026-09-21T22:43:21Z FEF2 Success TID_f0e4';

describe("load balancers", () => {
  test("an HTTP entry of a Classic Load Balancer is a request with its duration", () => {
    expect(parseLine("aws.elb_logs", CLASSIC)).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.345Z",
      "event.category": ["web"],
      "event.type": ["access"],
      "event.outcome": "success",
      "event.duration": 500_100_000,
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "aws.elb.backend.http.response.status_code": 201,
      "url.path": "/cart",
      "url.query": "id=7",
      "url.domain": "shop.example",
      "user_agent.original": "Probe 1.0",
      "tls.version": "1.2",
      "source.ip": "203.0.113.9",
      "source.port": 4711,
    });
  });

  test("a TCP entry is a connection, without a duration if no target was reached", () => {
    const document = parseLine("aws.elb_logs", TCP);
    expect(document).toMatchObject({
      "event.category": ["network"],
      "event.type": ["connection"],
      "source.bytes": 82,
      "destination.bytes": 305,
    });
    expect(document).not.toHaveProperty("event.duration");
    expect(document).not.toHaveProperty("http.response.status_code");
  });

  test("an entry of an Application Load Balancer has its rule, its targets and its error", () => {
    expect(parseLine("aws.elb_logs", ALB)).toMatchObject({
      "source.ip": "2001:db8::7",
      "event.outcome": "failure",
      "event.start": "2026-03-14T10:11:12.100000Z",
      "event.duration": 203_000_000,
      "trace.id": "Root=1-58337364-23a8",
      "destination.domain": "shop.example",
      "aws.elb.type": "h2",
      "aws.elb.matched_rule_priority": "3",
      "aws.elb.action_executed": ["waf", "forward"],
      "aws.elb.error.reason": "TargetConnectionErrorCode",
      "aws.elb.target_port": ["10.0.0.7:8080", "10.0.0.8:8080"],
      "aws.elb.target_status_code": ["-", "502"],
      "aws.elb.classification": "Ambiguous",
      "aws.elb.connection_trace_id": "TID_dc57",
    });
  });

  test("a connection to an Application Load Balancer has its handshake and the client's certificate", () => {
    expect(detectFormat(Buffer.from(`${CONNECTION}\n`)).format?.dataset).toBe("aws.elb_logs");
    expect(parseLine("aws.elb_logs", CONNECTION)).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.345Z",
      "event.category": ["network"],
      "event.type": ["connection"],
      "event.outcome": "success",
      "source.ip": "203.0.113.9",
      "source.port": 36_280,
      "destination.port": 443,
      "tls.version": "1.2",
      "tls.cipher": "ECDHE-RSA-AES128-GCM-SHA256",
      "tls.client.subject": "CN=client,O=Shop",
      "aws.elb.tls_handshake_time.ms": 2.5,
      "aws.elb.connection_trace_id": "TID_f0e4",
    });
    const failed = CONNECTION.replace("Success", "Failed:ClientCertExpired");
    expect(parseLine("aws.elb_logs", failed)).toMatchObject({
      "event.outcome": "failure",
      "event.reason": "ClientCertExpired",
    });
    const plain = "2026-03-14T10:11:12.345678Z 2001:db8::7 36280 80 - - - - - - - TID_f0e4";
    expect(parseLine("aws.elb_logs", plain)).toMatchObject({ "source.ip": "2001:db8::7" });
  });

  test("a TLS entry of a Network Load Balancer is in UTC, whatever the zone of the machine", () => {
    expect(parseLine("aws.elb_logs", NLB)).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.000Z",
      "event.duration": 5_000_000,
      "aws.elb.tls_handshake_time.ms": 2,
      "tls.version": "1.2",
      "destination.domain": "shop.example",
      "aws.elb.alpn.frontend_protocol": "h2",
    });
  });

  test("a line that is cut is quarantined with the reason", () => {
    const cut = parseLine("aws.elb_logs", CLASSIC.slice(0, 90));
    expect(cut["error.message"]).toMatch(/^not a load balancer line: /);
  });
});

const S3 =
  '79a59df9 shop-assets [14/Mar/2026:11:11:12 +0100] 203.0.113.9 arn:aws:iam::111122223333:user/ann DD6CC733 REST.GET.OBJECT a%2520b.pdf "GET /a%2520b.pdf?versionId=3 HTTP/1.1" 404 NoSuchKey 297 - 38 12 "https://shop.example/" "Probe "quoted"; 1.0" - 10S62Z= SigV4 ECDHE-RSA-AES128-SHA AuthHeader shop-assets.s3.eu-central-1.amazonaws.com TLSv1.3 - Yes eu-west-1';

test("a line of S3 has the object, the requester, the error and the region of its host", () => {
  expect(parseLine("aws.s3access", S3)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "event.action": "REST.GET.OBJECT",
    "event.code": "NoSuchKey",
    "event.duration": 38_000_000,
    "event.outcome": "failure",
    "client.user.id": "arn:aws:iam::111122223333:user/ann",
    "cloud.region": "eu-central-1",
    "http.request.referrer": "https://shop.example/",
    "url.path": "/a%20b.pdf",
    "user_agent.original": 'Probe "quoted"; 1.0',
    "tls.version": "1.3",
    "aws.s3access.key": "a%2520b.pdf",
    "aws.s3access.acl_required": "Yes",
    "aws.s3access.source_region": "eu-west-1",
    "related.ip": ["203.0.113.9"],
  });
});

describe("VPC flow logs", () => {
  const DEFAULT =
    "2 111122223333 eni-0a1b2c3d 203.0.113.9 10.0.0.7 4711 443 6 20 4249 1773483012 1773483072 REJECT OK";

  test("a line in the default format needs no header line", () => {
    expect(parseLine("aws.vpcflow", DEFAULT)).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.000Z",
      "event.start": "2026-03-14T10:10:12.000Z",
      "event.action": "reject",
      "event.outcome": "failure",
      "event.type": ["denied", "connection"],
      "destination.port": 443,
      "network.transport": "tcp",
      "source.bytes": 4249,
      "aws.vpcflow.log_status": "OK",
    });
  });

  test("a header line names the fields of the lines after it, and is no event", () => {
    const documents = parseLines(
      "aws.vpcflow",
      "version srcaddr dstaddr end tcp-flags flow-direction reject-reason\n5 10.0.0.7 10.0.0.8 1773483072 19 egress BPA\nsrcaddr interface-id\n10.0.0.9 eni-5\n",
    );
    expect(documents).toHaveLength(2);
    expect(documents[0]).toMatchObject({
      "network.direction": "egress",
      "aws.vpcflow.tcp_flags_array": ["fin", "syn", "ack"],
      "aws.vpcflow.reject_reason": "BPA",
    });
    expect(documents[1]).toMatchObject({
      "source.ip": "10.0.0.9",
      "aws.vpcflow.interface_id": "eni-5",
    });
  });

  test("a header line may name any of their fields", () => {
    const log =
      "account-id vpc-id action log-status end\n111122223333 vpc-1 ACCEPT OK 1773483072\n";
    expect(parseLines("aws.vpcflow", log)).toMatchObject([
      { "event.action": "accept", "aws.vpcflow.vpc_id": "vpc-1" },
    ]);
  });

  test("a line with another number of fields than its header line is quarantined", () => {
    const [document] = parseLines("aws.vpcflow", "srcaddr dstaddr\n10.0.0.9\n");
    expect(document?.["error.message"]).toContain("1 fields instead of the 2 of its header line");
  });

  test("the Community ID is that of the specification, in both directions", () => {
    const client = { ip: "128.232.110.120", port: 34_855 };
    const server = { ip: "66.35.250.204", port: 80 };
    const id = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=";
    expect(communityId({ source: client, destination: server, protocol: 6 })).toBe(id);
    expect(communityId({ source: server, destination: client, protocol: 6 })).toBe(id);
    expect(communityId({ source: server, destination: client, protocol: 50 })).toBeUndefined();
  });

  test("the notations of an IPv6 address have the same Community ID", () => {
    const groups = fc.array(fc.constantFrom(0, 1, 0xa0b, 0xffff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (values) => {
        const long = values.map((value) => value.toString(16).padStart(4, "0")).join(":");
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        const [first, second] = [long, short].map((ip) =>
          communityId({
            source: { ip, port: 1 },
            destination: { ip: "::ffff:10.0.0.1", port: 2 },
            protocol: 17,
          }),
        );
        expect(first).toBe(second);
        expect(Buffer.from(first?.slice(2) ?? "", "base64")).toHaveLength(
          createHash("sha1").digest().length,
        );
      }),
    );
  });
});

const CLOUDFRONT = [
  "#Version: 1.0",
  "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version",
  "2026-03-14\t10:11:12\tFRA2-C1\t392\t203.0.113.9\tGET\td111.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%2520(Probe)\tid=7\t-\tHit\tSOX4xw==\tshop.example\thttps\t23\t0.025\t-\tTLSv1.2\tECDHE-RSA\tHit\tHTTP/2.0",
].join("\n");

test("a line of CloudFront is a request with its cache result", () => {
  expect(parseLines("aws.cloudfront_logs", CLOUDFRONT)).toMatchObject([
    {
      "@timestamp": "2026-03-14T10:11:12.000Z",
      "event.duration": 25_000_000,
      "url.domain": "shop.example",
      "url.path": "/index.html",
      "url.query": "id=7",
      "url.scheme": "https",
      "http.request.id": "SOX4xw==",
      "http.response.bytes": 392,
      "user_agent.original": "Mozilla/5.0%20(Probe)",
      "aws.cloudfront.edge_location": "FRA2-C1",
      "aws.cloudfront.edge_result_type": "Hit",
    },
  ]);
});

const V2 = {
  "timestamp(ms)": "1773483072345",
  "x-edge-location": "FRA2-C1",
  "c-ip": "203.0.113.9",
  "cs-method": "GET",
  "cs(Host)": "d111.cloudfront.net",
  "cs-uri-stem": "/index.html",
  "sc-status": "404",
  asn: "64496",
};
const REAL_TIME =
  "1773483072.345\t203.0.113.9\t198.51.100.1\t0.002\t404\t392\tGET\thttps\td111.cloudfront.net\t/index.html\t23\tFRA2-C1\tSOX4xw==\tshop.example\t0.025\tHTTP/2.0\tIPv4\tProbe/1.0%20x\t-\t-\tid=7\tError\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\t-\t-\ttext/html\t78\t-\t-\t40603\tError\tDE\tgzip\t*/*\t*\tHost:shop.example%0A\tHost%0A\t2";
const NOT_FOUND = {
  "@timestamp": "2026-03-14T10:11:12.345Z",
  "event.outcome": "failure",
  "source.ip": "203.0.113.9",
  "http.response.status_code": 404,
  "url.path": "/index.html",
  "aws.cloudfront.edge_location": "FRA2-C1",
};

test("standard logs of CloudFront may have any fields, as JSON or after a header line", () => {
  const dataset = "aws.cloudfront_logs";
  const expected = { ...NOT_FOUND, "aws.cloudfront.asn": 64_496 };
  expect(parseLine(dataset, JSON.stringify(V2))).toMatchObject(expected);
  expect(detectFormat(Buffer.from(`${JSON.stringify(V2)}\n`)).format?.dataset).toBe(dataset);
  const names = Object.keys(V2);
  const log = `#Version: 1.0\n#Fields: ${names.join(" ")}\n${Object.values(V2).join("\t")}\n`;
  expect(parseLines(dataset, log)).toMatchObject([expected]);
  expect(detectFormat(Buffer.from(`${log}\n`)).format?.dataset).toBe(dataset);
});

test("real-time logs of CloudFront have all fields, or those of the setting", () => {
  const dataset = "aws.cloudfront_logs";
  expect(detectFormat(Buffer.from(`${REAL_TIME}\n`)).format?.dataset).toBe(dataset);
  expect(parseLine(dataset, REAL_TIME)).toMatchObject({
    ...NOT_FOUND,
    "event.duration": 25_000_000,
    "user_agent.original": "Probe/1.0 x",
    "url.domain": "shop.example",
    "tls.version": "1.3",
    "aws.cloudfront.c_country": "DE",
  });
  const few = REAL_TIME.split("\t").slice(0, 12);
  expect(parseLine(dataset, few.join("\t"))).toMatchObject({
    "error.message": expect.stringContaining("set QUARTERDECK_CLOUDFRONT_FIELDS"),
  });
  const parser = new Parser({
    format: formatNamed(dataset),
    mode: "lines",
    zone: UTC,
    nowMs: NOW_MS,
    all: true,
    rules: {
      signIn: [],
      signOut: [],
      cloudFrontFields: ["timestamp", "c-ip", "sc-status", "cs-uri-stem", "x-edge-location"],
    },
  });
  const [time, client, , , status, , , , , stem, , location] = few;
  const line = [time, client, status, stem, location].join("\t");
  expect([...parser.push(Buffer.from(`${line}\n`)), ...parser.end()]).toMatchObject([NOT_FOUND]);
});

test.each([
  ["aws.elb_logs", CLASSIC],
  ["aws.elb_logs", CONNECTION],
  ["aws.cloudfront_logs", REAL_TIME],
  ["aws.elb_logs", ALB],
  ["aws.elb_logs", NLB],
  ["aws.s3access", S3],
  ["aws.cloudfront_logs", CLOUDFRONT],
  ["aws.vpcflow", "srcaddr dstaddr action\n10.0.0.7 10.0.0.8 ACCEPT"],
])("%s is detected by its content", (dataset, lines) => {
  expect(detectFormat(Buffer.from(`${lines}\n`)).format?.dataset).toBe(dataset);
});
