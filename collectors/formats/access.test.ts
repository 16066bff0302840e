import { describe, expect, test } from "vitest";

import { AT, COMBINED, parseLine, parseLines } from "./parse-lines.ts";

describe("nginx.access", () => {
  test("all fields of a combined line are parsed", () => {
    expect(parseLine("nginx.access", COMBINED)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.000Z",
      "source.address": "203.0.113.9",
      "source.ip": "203.0.113.9",
      "user.name": "ann",
      "http.request.method": "GET",
      "url.original": "/shop?id=7",
      "http.version": "2.0",
      "http.response.status_code": 200,
      "http.response.body.bytes": 512,
      "http.request.referrer": "https://shop.example/",
      "user_agent.original": "Probe/1.0",
      "event.original": COMBINED,
    });
  });

  test.each([
    [`${COMBINED} 0.125`, 125e6],
    [`${COMBINED} "-" 0.125 0.100`, 125e6],
    [`${COMBINED} "198.51.100.1, 10.0.0.1" rt=0.125 uct="0.001" urt="0.100, 0.020"`, 125e6],
    [`${COMBINED} "2.41" 0.125`, 125e6],
  ])("the request time after the user agent is the duration: %s", (line, duration) => {
    expect(parseLine("nginx.access", line)["event.duration"]).toBe(duration);
  });

  test("upstream times and a forwarded-for list are kept as vendor fields", () => {
    const document = parseLine(
      "nginx.access",
      `${COMBINED} "198.51.100.1, 10.0.0.1" 0.125 0.100, 0.020`,
    );
    expect(document["nginx.access.upstream.response_time"]).toEqual([0.1, 0.02]);
    expect(document["nginx.access.x_forwarded_for"]).toEqual(["198.51.100.1", "10.0.0.1"]);
  });

  test("the first public address of a list is the client", () => {
    const rest = COMBINED.slice(COMBINED.indexOf(" - "));
    const document = parseLine(
      "nginx.access",
      `shop.example:8443 "10.1.1.1, 198.51.100.4" 10.0.0.2${rest}`,
    );
    expect(document).toMatchObject({
      "source.address": "198.51.100.4",
      "destination.domain": "shop.example",
      "destination.port": 8443,
      "url.domain": "shop.example",
    });
  });

  test("JSON lines with the names of nginx's variables have the same fields", () => {
    const line = JSON.stringify({
      time_iso8601: "2026-03-14T10:11:12+01:00",
      remote_addr: "203.0.113.9",
      request: "GET /shop?id=7 HTTP/2.0",
      status: "200",
      body_bytes_sent: 512,
      request_time: "0.125",
      upstream_addr: "10.0.0.5:80",
      http_user_agent: "Probe/1.0",
    });
    expect(parseLine("nginx.access", line)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.000Z",
      "source.ip": "203.0.113.9",
      "url.path": "/shop",
      "http.response.status_code": 200,
      "event.duration": 125e6,
      "nginx.upstream.address": "10.0.0.5:80",
      "user_agent.original": "Probe/1.0",
    });
  });

  test.each([
    ["no quotes here", "no quoted request"],
    [COMBINED.replace(AT, "[31/Dec/9999:23:59:59 +0000]"), "time is in the future: 9999-12-31"],
    [COMBINED.replace(AT, "[01/Jan/1970:00:00:00 +0000]"), "time is before 1995"],
    [COMBINED.replace(AT, "[14/Foo/2026:00:00:00 +0000]"), "time cannot be read: 14/Foo/2026"],
    [COMBINED.replace(" 200 ", " 99999 "), "status is not a number between 100 and 999: 99999"],
  ])("a line that cannot be parsed is quarantined with the reason: %s", (line, reason) => {
    const document = parseLine("nginx.access", line);
    expect(document["event.kind"]).toBe("pipeline_error");
    expect(document["error.message"]).toContain(reason);
    expect(document["event.original"]).toBe(line);
  });

  test("a leap second and a zone of +1400 are valid", () => {
    expect(
      parseLine("nginx.access", COMBINED.replace(AT, "[30/Jun/2015:23:59:60 +1400]"))["@timestamp"],
    ).toBe("2015-06-30T10:00:00.000Z");
  });

  test("invalid UTF-8 is escaped, valid UTF-8 is kept", () => {
    const bytes = Buffer.concat([
      Buffer.from('1.2.3.4 - - [14/Mar/2026:10:11:12 +0000] "GET /é/'),
      Buffer.from([0xe9, 0xff]),
      Buffer.from(' HTTP/1.1" 200 1 "-" "x\\'),
      Buffer.from([0xc3]),
      Buffer.from('"'),
    ]);
    const [document] = parseLines("nginx.access", bytes);
    expect(document?.["url.original"]).toBe("/é/\\xE9\\xFF");
    expect(document?.["user_agent.original"]).toBe("x\\\\xC3");
  });

  test("a quote within the user agent does not end it early nor shift the status", () => {
    const document = parseLine("nginx.access", COMBINED.replace("Probe/1.0", 'a\\"b'));
    expect(document).toMatchObject({
      "user_agent.original": 'a\\"b',
      "http.response.status_code": 200,
    });
  });
});

describe("other access logs", () => {
  test("Apache: ident, dashes and microseconds", () => {
    const document = parseLine(
      "apache.access",
      `host.example id42 - ${AT} "POST /a HTTP/1.1" 302 - "-" "-" 1500`,
    );
    expect(document).toMatchObject({
      "source.domain": "host.example",
      "event.duration": 1_500_000,
      "apache.access.identity": "id42",
    });
    expect(document).not.toHaveProperty(["http.response.body.bytes"]);
    expect(document).not.toHaveProperty(["user.name"]);
  });

  test("Apache: the ssl_request_log has protocol and cipher", () => {
    expect(
      parseLine("apache.access", `${AT} 203.0.113.9 TLSv1.3 TLS_AES_128 "GET /a.php HTTP/1.1" 77`),
    ).toMatchObject({
      "tls.version": "1.3",
      "tls.version_protocol": "tls",
      "tls.cipher": "TLS_AES_128",
      "http.response.body.bytes": 77,
      "url.extension": "php",
    });
  });

  test("Varnish: absolute URLs, handling, time to first byte", () => {
    expect(
      parseLine(
        "varnish.access",
        `203.0.113.9 - - ${AT} "GET http://shop.example/a HTTP/1.1" 200 5 "-" "Probe" hit 0.000125 900`,
      ),
    ).toMatchObject({
      "url.domain": "shop.example",
      "url.path": "/a",
      "varnish.handling": "hit",
      "varnish.ttfb_ms": 0.125,
      "event.duration": 900_000,
    });
  });

  test("the ingress controller: the upstream that sent the last response", () => {
    const document = parseLine(
      "nginx.ingress_controller",
      `${COMBINED} 120 0.250 [web-80] [] 10.0.0.1:80, 10.0.0.2:80 -, 512 0.100, 0.150 502, 200 abc123`,
    );
    expect(document).toMatchObject({
      "http.request.id": "abc123",
      "event.duration": 250e6,
      "nginx.ingress_controller.upstream.ip": "10.0.0.2",
      "nginx.ingress_controller.upstream.response.status_code": 200,
    });
  });
});
