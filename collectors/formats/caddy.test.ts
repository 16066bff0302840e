import { describe, expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine, parseLines } from "./parse-lines.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const REQUEST = {
  remote_ip: "10.0.0.2",
  remote_port: "41342",
  client_ip: "203.0.113.9",
  proto: "HTTP/2.0",
  method: "GET",
  host: "shop.example:8443",
  uri: "/shop?id=7",
  headers: {
    "User-Agent": ["Probe/1.0"],
    Accept: ["*/*", "text/html"],
    Traceparent: [`00-${TRACE}-00f067aa0ba902b7-01`],
  },
  tls: {
    resumed: false,
    version: 772,
    cipher_suite: 4865,
    proto: "h2",
    server_name: "shop.example",
  },
};
const ACCESS = {
  level: "error",
  ts: 1_773_483_072.345_678,
  logger: "http.log.access.log0",
  msg: "handled request",
  request: REQUEST,
  bytes_read: 3,
  user_id: "ann",
  duration: 0.000_929_675,
  size: 10_900,
  status: 502,
  resp_headers: { Server: ["Caddy"], "Content-Type": ["text/html"] },
};
const OWN = {
  level: "warn",
  ts: 1_773_483_072.345,
  logger: "tls.obtain",
  msg: "will retry",
  error: "no such host",
  attempt: 2,
};

const access = (changes: object) =>
  parseLine("caddy.access", JSON.stringify({ ...ACCESS, ...changes }));

describe("Caddy's access log", () => {
  test("a request has the fields of ECS, the others under caddy.access", () => {
    expect(access({})).toMatchObject({
      "@timestamp": "2026-03-14T10:11:12.345Z",
      "log.level": "error",
      "http.request.method": "GET",
      "url.original": "/shop?id=7",
      "url.path": "/shop",
      "url.query": "id=7",
      "url.domain": "shop.example",
      "url.port": 8443,
      "url.scheme": "https",
      "http.version": "2.0",
      "http.response.status_code": 502,
      "http.response.body.bytes": 10_900,
      "http.request.bytes": 3,
      "event.duration": 929_675,
      "event.outcome": "failure",
      "source.ip": "203.0.113.9",
      "user.name": "ann",
      "user_agent.original": "Probe/1.0",
      "trace.id": TRACE,
      "tls.version": "1.3",
      "tls.cipher": "TLS_AES_128_GCM_SHA256",
      "caddy.access.request.remote_ip": "10.0.0.2",
      "caddy.access.request.headers.Accept": ["*/*", "text/html"],
      "caddy.access.resp_headers.Server": ["Caddy"],
    });
  });

  test.each([
    [1.5, 1_500_000_000],
    ["1m2.5s", 62_500_000_000],
    ["929.675µs", 929_675],
    [929_675, 929_675],
    [0, 0],
  ])("a duration of %s is %i ns", (duration, ns) => {
    expect(access({ duration })).toMatchObject({ "event.duration": ns });
  });

  test("the address of versions before 2.5 has a port", () => {
    const { remote_ip: _ip, remote_port: _port, client_ip: _client, ...request } = REQUEST;
    const document = access({ request: { ...request, remote_addr: "203.0.113.9:41342" } });
    expect(document).toMatchObject({ "source.ip": "203.0.113.9", "source.port": 41_342 });
  });

  test("a request that was not answered has no status", () => {
    expect(access({ status: 0 })).not.toHaveProperty(["http.response.status_code"]);
  });
});

test("Caddy's own lines have the fields of an application log", () => {
  expect(parseLine("caddy.log", JSON.stringify(OWN))).toMatchObject({
    "log.level": "warn",
    "log.logger": "tls.obtain",
    message: "will retry",
    "error.message": "no such host",
    attempt: 2,
  });
});

test("lines of Caddy are told from those of other programs with its logging library", () => {
  const detected = (line: object) =>
    detectFormat(Buffer.from(`${JSON.stringify(line)}\n`)).format?.dataset;
  expect(detected(ACCESS)).toBe("caddy.access");
  expect(detected(OWN)).toBe("caddy.log");
  expect(detected({ ...OWN, logger: "shop.pay" })).toBe("app.json");
  const [refused] = parseLines("caddy.access", JSON.stringify(OWN));
  expect(refused).toMatchObject({ "event.kind": "pipeline_error" });
});
