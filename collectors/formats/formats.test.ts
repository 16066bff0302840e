import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Batch } from "../batch.ts";
import { detectFormat } from "../detect.ts";
import { formatOf } from "../parse.ts";
import { Parser, nested, parseUtcOffset, type Document } from "../parse.ts";
import { FORMATS } from "./index.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);

function parse(
  dataset: string,
  input: string | Uint8Array,
  mode: "lines" | "text" = "lines",
): Document[] {
  const parser = new Parser({
    format: formatOf(dataset),
    mode,
    utcOffsetMinutes: 60,
    nowMs: NOW_MS,
    all: true,
  });
  return [...parser.push(Buffer.from(input)), ...parser.end()];
}

function one(dataset: string, line: string): Document {
  const documents = parse(dataset, line);
  expect(documents).toHaveLength(1);
  return documents[0] ?? {};
}

const AT = "[14/Mar/2026:10:11:12 +0100]";
const COMBINED = `203.0.113.9 - ann ${AT} "GET /shop?id=7 HTTP/2.0" 200 512 "https://shop.example/" "Probe/1.0"`;

describe("nginx.access", () => {
  test("a combined line gives every field that stands in it", () => {
    expect(one("nginx.access", COMBINED)).toMatchObject({
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
  ])("the request time behind the user agent is the duration: %s", (line, duration) => {
    expect(one("nginx.access", line)["event.duration"]).toBe(duration);
  });

  test("upstream times and a forwarded-for list are kept beside the columns", () => {
    const document = one("nginx.access", `${COMBINED} "198.51.100.1, 10.0.0.1" 0.125 0.100, 0.020`);
    expect(document["nginx.access.upstream.response_time"]).toEqual([0.1, 0.02]);
    expect(document["nginx.access.x_forwarded_for"]).toEqual(["198.51.100.1", "10.0.0.1"]);
  });

  test("of a list of addresses the first public one is the client", () => {
    const rest = COMBINED.slice(COMBINED.indexOf(" - "));
    const document = one(
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

  test("JSON lines named by nginx's variables give the same fields", () => {
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
    expect(one("nginx.access", line)).toMatchObject({
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
  ])("what cannot be read is quarantined with the reason: %s", (line, reason) => {
    const document = one("nginx.access", line);
    expect(document["event.kind"]).toBe("pipeline_error");
    expect(document["error.message"]).toContain(reason);
    expect(document["event.original"]).toBe(line);
  });

  test("a leap second and a zone of +1400 are legal", () => {
    expect(
      one("nginx.access", COMBINED.replace(AT, "[30/Jun/2015:23:59:60 +1400]"))["@timestamp"],
    ).toBe("2015-06-30T10:00:00.000Z");
  });

  test("bytes that are not UTF-8 are kept escaped, and those that are as they are", () => {
    const bytes = Buffer.concat([
      Buffer.from('1.2.3.4 - - [14/Mar/2026:10:11:12 +0000] "GET /é/'),
      Buffer.from([0xe9, 0xff]),
      Buffer.from(' HTTP/1.1" 200 1 "-" "x\\'),
      Buffer.from([0xc3]),
      Buffer.from('"'),
    ]);
    const [document] = parse("nginx.access", bytes);
    expect(document?.["url.original"]).toBe("/é/\\xE9\\xFF");
    expect(document?.["user_agent.original"]).toBe("x\\\\xC3");
  });

  test("a quote within the user agent does not end it early nor shift the status", () => {
    const document = one("nginx.access", COMBINED.replace("Probe/1.0", 'a\\"b'));
    expect(document).toMatchObject({
      "user_agent.original": 'a\\"b',
      "http.response.status_code": 200,
    });
  });
});

describe("other access logs", () => {
  test("Apache: ident, dashes and microseconds", () => {
    const document = one(
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

  test("Apache: the ssl_request_log gives protocol and cipher", () => {
    expect(
      one("apache.access", `${AT} 203.0.113.9 TLSv1.3 TLS_AES_128 "GET /a.php HTTP/1.1" 77`),
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
      one(
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

  test("the ingress controller: the upstream that answered last", () => {
    const document = one(
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

describe("haproxy.log", () => {
  const BODY =
    '203.0.113.9:5000 [14/Mar/2026:10:11:12.345] web~ app/s1 1/2/3/4/10 200 99 - - ---- 5/4/3/2/0 0/1 {shop.example|} "GET /a?b=1 HTTP/1.1"';

  test.each([
    "Mar 14 10:11:12 edge haproxy[77]: ",
    "<134>2026-03-14T10:11:12+01:00 edge haproxy[77]: ",
  ])("the HTTP log behind %s", (header) => {
    expect(one("haproxy.log", header + BODY)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.345Z",
      "host.name": "edge",
      "process.pid": 77,
      "source.ip": "203.0.113.9",
      "source.port": 5000,
      "haproxy.server_name": "s1",
      "haproxy.backend_name": "app",
      "event.duration": 10e6,
      "http.response.status_code": 200,
      "url.path": "/a",
      "haproxy.http.request.captured_headers": ["shop.example"],
    });
  });

  test("timers of -1 are no duration, and a bad request has no URL", () => {
    const line =
      "Mar 14 10:11:12 edge haproxy[7]: " +
      BODY.replace("1/2/3/4/10", "-1/-1/-1/-1/-1").replace(/"GET.*/, '"<BADREQ>"');
    expect(one("haproxy.log", line)).not.toHaveProperty(["event.duration"]);
    expect(one("haproxy.log", line)).not.toHaveProperty(["url.original"]);
  });

  test("the TCP log, connection errors, and a year that the header lacks", () => {
    expect(
      one(
        "haproxy.log",
        "Mar 14 10:11:12 edge haproxy[7]: 203.0.113.9:5 [14/Mar/2026:10:11:12.345] db db/s1 1/0/30 212 SD 1/1/0/0/0 0/0",
      ),
    ).toMatchObject({ "event.duration": 30e6, "haproxy.termination_state": "SD" });
    expect(
      one(
        "haproxy.log",
        "Mar 14 10:11:12 edge haproxy[7]: 203.0.113.9:5 [14/Mar/2026:10:11:12.345] web/1: SSL handshake failure",
      ),
    ).toMatchObject({ message: "SSL handshake failure" });
    expect(
      one(
        "haproxy.log",
        "Dec 31 10:11:12 edge haproxy[7]: Connect from 203.0.113.9:5 to 203.0.113.1:80 (web/HTTP)",
      ),
    ).toMatchObject({ "@timestamp": "2025-12-31T09:11:12.000Z", "destination.port": 80 });
  });
});

describe("error logs", () => {
  test("nginx: level, process, and the request that it was about", () => {
    expect(
      one(
        "nginx.error",
        '2026/03/14 10:11:12 [crit] 12#34: *56 open() failed, client: 203.0.113.9, server: _, request: "GET /a HTTP/1.1", host: "shop.example:81"',
      ),
    ).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.000Z",
      "log.level": "crit",
      "process.pid": 12,
      "process.thread.id": 34,
      "source.ip": "203.0.113.9",
      "url.original": "/a",
      "url.domain": "shop.example",
      "event.type": ["error"],
    });
  });

  test.each([
    [
      "[Sat Mar 14 10:11:12.123456 2026] [core:notice] [pid 9:tid 8] AH00094: started",
      { "apache.error.module": "core", "process.thread.id": 8, "event.type": ["info"] },
    ],
    [
      "[Sat Mar 14 10:11:12 2026] [error] [client 203.0.113.9] File does not exist: /srv/x",
      { "file.path": "/srv/x", "source.ip": "203.0.113.9", "event.type": ["error"] },
    ],
    [
      "[Sat Mar 14 10:11:12.1 2026] [proxy:error] [pid 9] (70007)Timeout: [client 203.0.113.9:81] AH01102: no",
      { "source.port": 81, "apache.error.code": "AH01102" },
    ],
    [
      "[Sat Mar 14 10:11:12.1 2026] [ssl:warn] [pid 9] [client 2001:db8::1:40001] x",
      { "source.address": "2001:db8::1", "source.port": 40_001 },
    ],
  ])("Apache: %s", (line, fields) => {
    const document = one("apache.error", line);
    for (const [name, value] of Object.entries(fields)) expect(document[name]).toEqual(value);
  });

  test("an error that spans lines is one event in text mode", () => {
    const text =
      "[Sat Mar 14 10:11:12 2026] [error] one\n  two\n[Sat Mar 14 10:11:13 2026] [error] three\n";
    expect(parse("apache.error", text, "text").map((document) => document["message"])).toEqual([
      "one\n  two",
      "three",
    ]);
  });
});

describe("ecs", () => {
  const TIME = '"@timestamp":"2026-03-14T10:11:12Z"';

  test("nested, dotted and mixed names are the same; what has no column is kept", () => {
    const document = one(
      "ecs",
      `{${TIME},"event":{"category":["session"],"type":["start"]},"user.id":"u1","http":{"response.status_code":201},"acme":{"plan":"pro"}}`,
    );
    expect(document).toMatchObject({
      "event.category": ["session"],
      "user.id": "u1",
      "http.response.status_code": 201,
      "acme.plan": "pro",
      "event.action": "user-sign-in",
    });
  });

  test("an attempt to sign in that failed signs nobody in", () => {
    const document = one(
      "ecs",
      `{${TIME},"event":{"category":"authentication","type":"start","outcome":"failure"}}`,
    );
    expect(document).not.toHaveProperty(["event.action"]);
  });

  test("a number beyond 2^53 keeps its digits, and the last of two equal keys counts", () => {
    expect(one("ecs", `{${TIME},"a":1,"a":9223372036854775807}`)["a"]).toBe("9223372036854775807");
  });

  test.each([
    [`{${TIME},"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "nested deeper than 64"],
    [
      `{${TIME},${Array.from({ length: 1001 }, (_, n) => `"k${n}":1`).join(",")}}`,
      "more than 1000 fields",
    ],
    [`{${TIME}`, "JSON cannot be read"],
    ['{"message":"x"}', "no @timestamp"],
    [`{${TIME},"http.response.status_code":"ok"}`, "http.response.status_code is not a number: ok"],
  ])("what is refused says why", (line, reason) => {
    expect(one("ecs", line)["error.message"]).toContain(reason);
  });

  test("names with a meaning in JavaScript are names", () => {
    const [document = {}] = parse(
      "ecs",
      `{${TIME},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
    );
    expect(JSON.stringify(nested(document))).toContain('"__proto__"');
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("every format", () => {
  test.each(FORMATS.map((format) => [format.dataset, format] as const))(
    "%s takes any bytes without throwing, and a rollback leaves nothing",
    (_name, format) => {
      const batch = new Batch(1);
      const scan = format.open(batch, { utcOffsetMinutes: 0, nowMs: NOW_MS });
      const pieces = fc.constantFrom(
        '"',
        "\\",
        " ",
        "[",
        "]",
        "{",
        "}",
        "-",
        ", ",
        ": ",
        "1.2.3.4",
        "14/Mar/2026:10:11:12 +0000",
        "GET / HTTP/1.1",
        "200",
        "\u0000",
        "é",
        "[Sat Mar 14 10:11:12 2026]",
      );
      const lines = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(""))),
      );
      fc.assert(
        fc.property(lines, fc.nat(5), (line, margin) => {
          const bytes = Buffer.concat([
            Buffer.alloc(margin, 0x22),
            line,
            Buffer.alloc(margin, 0x20),
          ]);
          const reason = scan(bytes, margin, margin + line.length);
          expect(reason === undefined || reason.length > 0).toBe(true);
          if (reason === undefined) expect(batch.number("@timestamp").values[0]).not.toBeNaN();
          batch.rollback();
          for (const column of batch.textColumns().values()) expect(column.ids[0]).toBe(0);
          for (const column of batch.numberColumns().values()) expect(column.values[0]).toBeNaN();
        }),
      );
    },
  );

  test.each([
    ["nginx.access", COMBINED],
    ["apache.access", `203.0.113.9 - - ${AT} "GET / HTTP/1.1" 200 -`],
    [
      "varnish.access",
      `203.0.113.9 - - ${AT} "GET http://shop.example/ HTTP/1.1" 200 5 "-" "Probe"`,
    ],
    ["nginx.error", "2026/03/14 10:11:12 [crit] 12#34: *56 no"],
    ["apache.error", "[Sat Mar 14 10:11:12 2026] [error] no"],
    ["ecs", '{"@timestamp":"2026-03-14T10:11:12Z","message":"hello","log.level":"info"}'],
  ])("%s is recognised by its content, with BOM, CRLF and junk about", (dataset, line) => {
    const sample = Buffer.from(`\uFEFF${line}\r\njunk\r\n${line}\r\n`);
    expect(detectFormat(sample).format?.dataset).toBe(dataset);
  });

  test("combined lines are Apache's where the path says so", () => {
    const sample = Buffer.from(`${COMBINED}\n`);
    expect(detectFormat(sample, "/var/log/httpd/access_log").format?.dataset).toBe("apache.access");
  });

  test("what no format knows is answered with what was tried", () => {
    const found = detectFormat(Buffer.from("hello\nworld\n"));
    expect(found.format).toBeUndefined();
    expect(found).toHaveProperty("tried");
  });
});

test("a dataset that there is not is refused with those that there are", () => {
  expect(() => formatOf("mysql.error")).toThrow(
    /there is no dataset "mysql.error"; known are .*haproxy.log/,
  );
  expect(parseUtcOffset("-02:30")).toBe(-150);
  expect(() => parseUtcOffset("CET")).toThrow("write it as +02:00");
});

test("a line over the limit is cut and says so", () => {
  const long = Buffer.alloc(16 * 1024 * 1024 + 5, 0x41);
  const [document] = parse("nginx.access", long);
  expect(document?.["log.flags"]).toEqual(["truncated"]);
  expect(document?.["error.message"]).toContain("its last 5 bytes");
});
