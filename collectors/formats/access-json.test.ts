import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { Parser } from "../parse.ts";
import { parseTrustedProxies } from "../trusted-proxies.ts";
import { UTC } from "../zone.ts";
import { formatNamed } from "./index.ts";
import { AT, NOW_MS, parseLine } from "./parse-lines.ts";

const TIME = "2026-03-14T10:11:12Z";

test("nginx with the names of an ELK stack: the server's address is no host name", () => {
  const line = JSON.stringify({
    "@timestamp": TIME,
    host: "192.0.2.1",
    clientip: "203.0.113.9",
    size: 612,
    responsetime: 0.021,
    upstreamtime: "0.020",
    upstreamhost: "10.0.0.5:8080",
    http_host: "shop.example:8443",
    url: "/index.html",
    xff: "198.51.100.3, unknown",
    referer: "-",
    agent: "Probe/1.0",
    status: "200",
  });
  const document = parseLine("nginx.access", line);
  expect(document).toMatchObject({
    "server.address": "192.0.2.1",
    "source.ip": "203.0.113.9",
    "url.domain": "shop.example",
    "url.port": 8443,
    "url.path": "/index.html",
    "event.duration": 21e6,
    "nginx.access.upstream.response_time": 0.02,
    "nginx.upstream.address": "10.0.0.5:8080",
    "nginx.access.x_forwarded_for": ["198.51.100.3"],
    "http.response.body.bytes": 612,
    "user_agent.original": "Probe/1.0",
  });
  expect(document).not.toHaveProperty(["http.request.referrer"]);
});

test("Apache with ownCloud's names: the request is a path, and the query is joined", () => {
  const line = JSON.stringify({
    reqId: "r1",
    time: "2026-03-14T11:11:12.345+0100",
    remoteAddr: "203.0.113.9:51234",
    user: "ann",
    method: "GET",
    request: "/remote.php/dav",
    query: "?a=1&b=2",
    protocol: "HTTP/1.1",
    status: "207",
    userAgent: "mirall/2.5",
    host: "cloud.example",
    duration: 15_021,
  });
  expect(parseLine("apache.access", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "source.ip": "203.0.113.9",
    "source.port": 51_234,
    "http.request.method": "GET",
    "url.original": "/remote.php/dav?a=1&b=2",
    "url.query": "a=1&b=2",
    "http.version": "1.1",
    "http.request.id": "r1",
    "user_agent.original": "mirall/2.5",
    "url.domain": "cloud.example",
    "event.duration": 15_021_000,
  });
  expect(detectFormat(Buffer.from(line)).format?.dataset).toBe("apache.access");
});

test("a request in a nested object is read", () => {
  const line = JSON.stringify({
    ts: 1_773_483_072.345,
    request: {
      remote_ip: "203.0.113.9",
      remote_port: "5000",
      proto: "HTTP/2.0",
      method: "GET",
      host: "shop.example",
      uri: "/a?b=1",
      headers: { "User-Agent": ["Probe/1.0"] },
    },
    duration: 0.000_912,
    size: 10,
    status: 200,
  });
  expect(parseLine("nginx.access", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "source.ip": "203.0.113.9",
    "source.port": 5000,
    "http.version": "2.0",
    "url.domain": "shop.example",
    "url.path": "/a",
    "user_agent.original": "Probe/1.0",
    "event.duration": 912_000,
  });
});

test.each([
  [String.raw`"GET /a?q=\x22b\x22&c=\xC3\xA9 HTTP/1.1"`, '/a?q="b"&c=é'],
  [String.raw`"GET /\x00\xFF\x5Cx HTTP/1.1"`, String.raw`/\x00\xFF\x5Cx`],
  [String.raw`"GET /\"\\x22 HTTP/1.1"`, String.raw`/"\x22`],
])("bytes that nginx escapes without escape=json are read: %s", (request, url) => {
  const line = `{"time_iso8601":"${TIME}","request":${request},"status":200,"upstream_response_time":-,"request_time":1.000}`;
  expect(parseLine("nginx.access", line)).toMatchObject({
    "url.original": url,
    "http.response.status_code": 200,
    "event.duration": 1e9,
  });
});

const REST = ` - - ${AT} "GET / HTTP/1.1" 200 5 "-" "Probe"`;

test.each([
  ["203.0.113.20 (10.155.132.40)", "203.0.113.20"],
  ["- (10.155.132.40)", "10.155.132.40"],
  ["10.0.0.2 (203.0.113.97, 198.51.100.3)", "203.0.113.97"],
  ["203.0.113.97 198.51.100.98", "203.0.113.97"],
  ["198.51.100.97 203.0.113.98, 203.0.113.99", "203.0.113.98"],
  ["unknown, 203.0.113.97", "203.0.113.97"],
  ['"10.1.1.1, 2001:db8::7" 10.0.0.2', "2001:db8::7"],
])("the client before the time is %s", (peer, client) => {
  for (const dataset of ["nginx.access", "apache.access"]) {
    const document = parseLine(dataset, peer + REST);
    expect(document["source.ip"]).toBe(client);
    expect(document).not.toHaveProperty(["destination.ip"]);
  }
});

test.each([
  ['"203.0.113.9, 10.0.0.1"', ["203.0.113.9", "10.0.0.1"]],
  ["(2001:db8::7)", ["2001:db8::7"]],
  ['"face" "beef" "200" "12345"', undefined],
])("only addresses after the user agent are X-Forwarded-For: %s", (tail, list) => {
  for (const dataset of ["nginx.access", "apache.access"]) {
    const document = parseLine(dataset, `10.0.0.7${REST} ${tail}`);
    expect(document[`${dataset}.x_forwarded_for`]).toEqual(list);
    expect(document["source.ip"]).toBe(list?.[0] ?? "10.0.0.7");
  }
});

test("the request time is never less than that of the upstream, in either order", () => {
  for (const times of ['"0.005" "0.006"', "0.006 0.005"]) {
    expect(parseLine("nginx.access", `203.0.113.9${REST} ${times}`)).toMatchObject({
      "event.duration": 6e6,
      "nginx.access.upstream.response_time": 0.005,
    });
  }
});

test("with trusted proxies, the client is the last address that is none of them", () => {
  const trustedProxies = parseTrustedProxies(["10.0.0.0/8", "203.0.113.9", "2001:db8::/32"]);
  const clientOf = (line: string): unknown => {
    const parser = new Parser({
      format: formatNamed("nginx.access"),
      mode: "lines",
      zone: UTC,
      nowMs: NOW_MS,
      all: true,
      rules: { signIn: [], signOut: [], trustedProxies },
    });
    const [document] = [...parser.push(Buffer.from(line)), ...parser.end()];
    return document?.["source.ip"];
  };
  const forged = "192.0.2.66, 198.51.100.3, 203.0.113.9";
  expect(clientOf(`203.0.113.9${REST} "${forged}"`)).toBe("198.51.100.3");
  expect(clientOf(`198.51.100.7${REST} "${forged}"`)).toBe("198.51.100.7");
  expect(clientOf(`${forged} (10.0.0.1)${REST}`)).toBe("198.51.100.3");
  expect(parseTrustedProxies(["10.0.0.0/33"])).toBeUndefined();
  expect(parseTrustedProxies(["proxy.example"])).toBeUndefined();
});

test("a time that cannot be read costs only that field, and another one of the line replaces it", () => {
  const line = {
    "@timestamp": "soon",
    remote_addr: "203.0.113.9",
    request: "GET / HTTP/1.1",
    status: 200,
  };
  expect(parseLine("nginx.access", JSON.stringify(line))).toMatchObject({
    "@timestamp": new Date(NOW_MS).toISOString(),
    "http.response.status_code": 200,
    "labels.ignored_fields": ["@timestamp"],
    "labels.ignored.@timestamp": "soon",
  });
  expect(
    parseLine("nginx.access", JSON.stringify({ ...line, msec: "1773483072.345" }))["@timestamp"],
  ).toBe("2026-03-14T10:11:12.345Z");
});
