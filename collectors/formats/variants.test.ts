import { describe, expect, test } from "vitest";

import { AT, COMBINED, parseLine } from "./parse-lines.ts";

const access = (peer: string, request = '"GET /a HTTP/1.1"', rest = "200 5"): string =>
  `${peer} ${AT} ${request} ${rest} "-" "Probe/1.0"`;

describe("less common lines: access logs", () => {
  test.each([
    ['198.51.100.7 - "Ann Lee"', { "user.name": "Ann Lee", "related.user": ["Ann Lee"] }],
    ["198.51.100.7 - Ann Lee", { "user.name": "Ann Lee" }],
    ["fe80::1%eth0 - -", { "source.ip": "fe80::1%eth0" }],
    ["2001:db8::1, 10.0.0.2 - -", { "source.ip": "2001:db8::1", "related.ip": ["2001:db8::1"] }],
    [
      "[2001:db8::5]:443 198.51.100.7 - -",
      { "destination.ip": "2001:db8::5", "related.ip": ["198.51.100.7", "2001:db8::5"] },
    ],
  ])("nginx: client and user in %s", (peer, fields) => {
    expect(parseLine("nginx.access", access(peer))).toMatchObject(fields);
  });

  test("nginx: 000 is not a status, a dash is not a size, HTTP/0.9 has no version after the URL", () => {
    const closed = parseLine("nginx.access", access("198.51.100.7 - -", '"-"', "000 0"));
    expect(closed).not.toHaveProperty(["http.response.status_code"]);
    expect(closed).toMatchObject({ "http.response.body.bytes": 0 });
    const old = parseLine("nginx.access", access("198.51.100.7 - -", '"GET /a"', "200 -"));
    expect(old).toMatchObject({ "url.path": "/a", "http.response.status_code": 200 });
    expect(old).not.toHaveProperty(["http.response.body.bytes"]);
  });

  test("the ingress controller: several upstreams, some without a response, in both notations", () => {
    const name = "nginx.ingress_controller";
    for (const [separator, end] of [
      [", ", "9f"],
      [" : ", "-"],
    ] as const) {
      const list = (...values: string[]): string => values.join(separator);
      const tail = `7 0.010 [app-80] [] ${list("10.0.0.1:80", "10.0.0.2:80")} ${list("0", "-")} ${list("0.001", "0.002")} ${list("502", "-")} ${end}`;
      expect(parseLine(name, `${COMBINED} ${tail}`)).toMatchObject({
        [`${name}.upstream_address_list`]: ["10.0.0.1:80", "10.0.0.2:80"],
        [`${name}.upstream.response.status_code_list`]: ["502", "-"],
        [`${name}.upstream.ip`]: "10.0.0.2",
        "related.ip": ["203.0.113.9", "10.0.0.2"],
      });
    }
  });
});

describe("less common lines: error logs", () => {
  test.each([
    [
      "[:error] [pid 7] [client 192.0.2.1:80] PHP Notice",
      { "log.level": "error", "process.pid": 7 },
    ],
    ["[ssl:warn] [pid 7:tid 0x7f01] AH01909: name", { "process.thread.id": 0x7f01 }],
    [
      "[core:error] [pid 7] (13)Permission denied: [client 192.0.2.1:80] AH00035: denied",
      { "source.ip": "192.0.2.1", "apache.error.code": "AH00035" },
    ],
    [
      "[error] [client 192.0.2.1] File does not exist: /www/a.ico, referer: http://b.example/",
      { "file.path": "/www/a.ico", "http.request.referrer": "http://b.example/" },
    ],
  ])("Apache: %s", (rest, fields) => {
    expect(parseLine("apache.error", `[Sat Mar 14 10:11:12 2026] ${rest}`)).toMatchObject(fields);
  });

  test("nginx: no connection, and text with commas before the fields", () => {
    const head = "2026/03/14 10:11:12 [emerg] 1#2: ";
    expect(parseLine("nginx.error", `${head}bind() to [::]:80 failed`)).toMatchObject({
      message: "bind() to [::]:80 failed",
      "log.level": "emerg",
    });
    const message = `*9 sent: "a, host: b" while reading, client: 192.0.2.1, server: , request: "GET /x HTTP/2.0", host: "c"`;
    expect(parseLine("nginx.error", head + message)).toMatchObject({
      "source.ip": "192.0.2.1",
      "url.path": "/x",
      "url.domain": "c",
    });
  });
});

describe("less common lines: HAProxy", () => {
  const PEER = "192.0.2.1:5000 [14/Mar/2026:10:11:12.345]";
  const HEADER = "Mar 14 10:11:12 edge haproxy[7]: ";

  test("a plus sign marks times and bytes that are logged early", () => {
    const line = `${PEER} web~ app/s1 1/0/3/+4/+10 200 +99 - - ---- 1/1/1/1/+2 0/0 {|} {} "GET /a HTTP/1.1"`;
    expect(parseLine("haproxy.log", `haproxy[7]: ${line}`)).toMatchObject({
      "process.pid": 7,
      "event.duration": 10e6,
      "http.response.bytes": 99,
      "haproxy.connections.retries": 2,
      "url.path": "/a",
    });
  });

  test("a failed handshake, a connection, and HAProxy's own notices", () => {
    expect(parseLine("haproxy.log", `${HEADER}${PEER} web/1: SSL handshake failure`)).toMatchObject(
      {
        message: "SSL handshake failure",
        "haproxy.frontend_name": "web/1",
      },
    );
    expect(
      parseLine("haproxy.log", `${HEADER}Server app/s1 is DOWN, reason: timeout`),
    ).toMatchObject({
      message: "Server app/s1 is DOWN, reason: timeout",
      "@timestamp": "2026-03-14T09:11:12.000Z",
    });
    expect(parseLine("haproxy.log", `${HEADER}something else`)).toMatchObject({
      "event.kind": "pipeline_error",
    });
  });

  test("a header with an ISO time has the host, and the target is a related host", () => {
    const line = `${PEER} web~ app/s1 shop.example 1/0/3/4/10 200 9 - - ---- 1/1/1/1/0 0/0 "GET /a HTTP/1.1"`;
    expect(
      parseLine("haproxy.log", `2026-03-14T10:11:12.3+01:00 edge haproxy[7]: ${line}`),
    ).toMatchObject({
      "host.hostname": "edge",
      "related.ip": ["192.0.2.1"],
      "related.hosts": ["shop.example"],
    });
  });
});
