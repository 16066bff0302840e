import { describe, expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine, parseLines } from "./parse-lines.ts";

const TIME = "2026-03-14T10:11:12.345Z";
const ENVOY = `[${TIME}] "POST /pay?id=7 HTTP/2" 503 UF,URX 154 91 226 100 "203.0.113.9,10.0.0.1" "Probe "1"" "cc21d9b0-cf5c" "shop.example:8443" "10.0.2.1:80"`;
const ISTIO = `[${TIME}] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 95 12 11 "-" "curl/8" "cc21d9b0" "shop:8000" "10.44.1.27:80" outbound|8000||shop.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default`;
const TCP = `[${TIME}] "- - -" 0 UH - - "-" 0 0 3 - "-" "-" "-" "-" "-" - - 10.0.0.5:3306 10.0.0.9:51000 - -`;
const JSON_LINE = JSON.stringify({
  start_time: TIME,
  method: "GET",
  path: "/a",
  protocol: "HTTP/1.1",
  response_code: 200,
  response_flags: "-",
  response_code_details: "via_upstream",
  connection_termination_details: null,
  bytes_received: 0,
  bytes_sent: 95,
  duration: 12,
  upstream_service_time: "11",
  x_forwarded_for: null,
  user_agent: "curl/8",
  request_id: "cc21d9b0",
  authority: "shop:8000",
  upstream_host: "10.44.1.27:80",
  upstream_cluster: "outbound|8000||shop",
  downstream_remote_address: "203.0.113.9:46520",
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  my_header: "x",
});

describe("Envoy's access log", () => {
  test("the default text, also with a quote that is not escaped", () => {
    expect(parseLine("envoyproxy.log", ENVOY)).toMatchObject({
      "@timestamp": TIME,
      "http.request.method": "POST",
      "url.original": "/pay?id=7",
      "http.version": "2",
      "http.response.status_code": 503,
      "envoyproxy.response_flags": ["UF", "URX"],
      "http.request.body.bytes": 154,
      "http.response.body.bytes": 91,
      "event.duration": 226_000_000,
      "envoyproxy.upstream_service_time": 100_000_000,
      "source.ip": "203.0.113.9",
      "user_agent.original": 'Probe "1"',
      "http.request.id": "cc21d9b0-cf5c",
      "url.domain": "shop.example",
      "url.port": 8443,
      "destination.ip": "10.0.2.1",
      "destination.port": 80,
    });
  });

  test("the text of Istio", () => {
    const document = parseLine("envoyproxy.log", ISTIO);
    expect(document).toMatchObject({
      "http.response.status_code": 200,
      "envoyproxy.response_code_details": "via_upstream",
      "http.response.body.bytes": 95,
      "event.duration": 12_000_000,
      "url.domain": "shop",
      "destination.ip": "10.44.1.27",
      "source.ip": "10.44.1.23",
      "source.port": 46_520,
      "server.address": "10.0.45.184",
      "envoyproxy.upstream_cluster": "outbound|8000||shop.svc.cluster.local",
      "envoyproxy.route_name": "default",
    });
    expect(document).not.toHaveProperty(["envoyproxy.response_flags"]);
  });

  test("a TCP connection is no request", () => {
    const document = parseLine("envoyproxy.log", TCP);
    expect(document).toMatchObject({
      "event.type": ["connection"],
      "envoyproxy.proxy_type": "tcp",
      "envoyproxy.response_flags": ["UH"],
      "source.ip": "10.0.0.9",
    });
    expect(document).not.toHaveProperty(["http.response.status_code"]);
  });

  test("JSON with the names of its operators", () => {
    expect(parseLine("envoyproxy.log", JSON_LINE)).toMatchObject({
      "@timestamp": TIME,
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "source.ip": "203.0.113.9",
      "event.duration": 12_000_000,
      "trace.id": "4bf92f3577b34da6a3ce929d0e0e4736",
      "envoyproxy.my_header": "x",
    });
  });

  test.each([
    ["text", ENVOY],
    ["Istio", ISTIO],
    ["TCP", TCP],
    ["JSON", JSON_LINE],
  ])("%s is detected", (_name, line) => {
    expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("envoyproxy.log");
  });

  test.each(["[2026-03-14T10:11:12.345Z] hello", `[${TIME}] "GET /a HTTP/1.1" 200 - x y z`])(
    "%s is no line",
    (line) => {
      const [document] = parseLines("envoyproxy.log", line);
      expect(document?.["event.kind"]).toBe("pipeline_error");
    },
  );

  test("a line of a megabyte takes no longer than its length", () => {
    const line = `[${TIME}] "GET ${'" '.repeat(500_000)} HTTP/1.1" 200 -`;
    const [document] = parseLines("envoyproxy.log", line);
    expect(document?.["event.kind"]).toBe("pipeline_error");
  });
});
