import { describe, expect, test } from "vitest";

import { nested } from "../nested.ts";
import { NOW_MS, parseLine, parseLines } from "./parse-lines.ts";

describe("haproxy.log", () => {
  const BODY =
    '203.0.113.9:5000 [14/Mar/2026:10:11:12.345] web~ app/s1 1/2/3/4/10 200 99 - - ---- 5/4/3/2/0 0/1 {shop.example|} "GET /a?b=1 HTTP/1.1"';

  test.each([
    "Mar 14 10:11:12 edge haproxy[77]: ",
    "<134>2026-03-14T10:11:12+01:00 edge haproxy[77]: ",
  ])("the HTTP log after the header %s", (header) => {
    expect(parseLine("haproxy.log", header + BODY)).toMatchObject({
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

  test("timers of -1 are no durations, and an invalid request has no URL", () => {
    const line =
      "Mar 14 10:11:12 edge haproxy[7]: " +
      BODY.replace("1/2/3/4/10", "-1/-1/-1/-1/-1").replace(/"GET.*/, '"<BADREQ>"');
    expect(parseLine("haproxy.log", line)).not.toHaveProperty(["event.duration"]);
    expect(parseLine("haproxy.log", line)).not.toHaveProperty(["url.original"]);
  });

  test("the TCP log, connection errors, and a header without a year", () => {
    expect(
      parseLine(
        "haproxy.log",
        "Mar 14 10:11:12 edge haproxy[7]: 203.0.113.9:5 [14/Mar/2026:10:11:12.345] db db/s1 1/0/30 212 SD 1/1/0/0/0 0/0",
      ),
    ).toMatchObject({ "event.duration": 30e6, "haproxy.termination_state": "SD" });
    expect(
      parseLine(
        "haproxy.log",
        "Mar 14 10:11:12 edge haproxy[7]: 203.0.113.9:5 [14/Mar/2026:10:11:12.345] web/1: SSL handshake failure",
      ),
    ).toMatchObject({ message: "SSL handshake failure" });
    expect(
      parseLine(
        "haproxy.log",
        "Dec 31 10:11:12 edge haproxy[7]: Connect from 203.0.113.9:5 to 203.0.113.1:80 (web/HTTP)",
      ),
    ).toMatchObject({ "@timestamp": "2025-12-31T09:11:12.000Z", "destination.port": 80 });
  });
});

describe("error logs", () => {
  test("nginx: level, process, and the related request", () => {
    expect(
      parseLine(
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
    const document = parseLine("apache.error", line);
    for (const [name, value] of Object.entries(fields)) expect(document[name]).toEqual(value);
  });

  test("a multi-line error is one event in text mode", () => {
    const text =
      "[Sat Mar 14 10:11:12 2026] [error] one\n  two\n[Sat Mar 14 10:11:13 2026] [error] three\n";
    expect(parseLines("apache.error", text, "text").map((document) => document["message"])).toEqual(
      ["one\n  two", "three"],
    );
  });
});

describe("ecs", () => {
  const TIME = '"@timestamp":"2026-03-14T10:11:12Z"';

  test("nested, dotted and mixed names are equivalent; fields without a column are kept", () => {
    const document = parseLine(
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

  test("a failed attempt to sign in is not a sign-in", () => {
    const document = parseLine(
      "ecs",
      `{${TIME},"event":{"category":"authentication","type":"start","outcome":"failure"}}`,
    );
    expect(document).not.toHaveProperty(["event.action"]);
  });

  test("a number beyond 2^53 keeps its digits, and the last of duplicate keys is used", () => {
    expect(parseLine("ecs", `{${TIME},"a":1,"a":9223372036854775807}`)["a"]).toBe(
      "9223372036854775807",
    );
  });

  test.each([
    [`{${TIME},"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "nested deeper than 64"],
    [
      `{${TIME},${Array.from({ length: 1001 }, (_, n) => `"k${n}":1`).join(",")}}`,
      "more than 1000 fields",
    ],
    [`{${TIME}`, "JSON cannot be read"],
    ['{"message":"x"}', "no @timestamp"],
  ])("an invalid line is rejected with the reason", (line, reason) => {
    expect(parseLine("ecs", line)["error.message"]).toContain(reason);
  });

  test.each([
    [`"http":{"response":{"status_code":"ok"}}`, "http.response.status_code", "ok"],
    ['"process.pid":1e300', "process.pid", 1e300],
    ['"source":{"port":""}', "source.port", ""],
    ['"source.port":[80,81]', "source.port", [80, 81]],
    ['"source.port":{"a":[]}', undefined, undefined],
  ])(
    "a field that does not fit its type costs that field, with a mark: %s",
    (json, name, value) => {
      const document = parseLine("ecs", `{${TIME},"message":"kept",${json}}`);
      expect(document["message"]).toBe("kept");
      expect(document["labels.ignored_fields"]).toEqual(name && [name]);
      expect(document[`labels.ignored.${name}`]).toEqual(value);
    },
  );

  test.each([
    ['"yesterday"', "", undefined],
    ["1e300", "", undefined],
    ["-1e16", "", undefined],
    ['"2999-01-01T00:00:00Z"', "", undefined],
    ["null", "", undefined],
    ['""', ',"event":{"created":"2026-03-14T10:11:12Z"}', "2026-03-14T10:11:12.000Z"],
    ['["x"]', ',"event.created":"y","ts":1773483072', "2026-03-14T10:11:12.000Z"],
  ])(
    "an event whose time %s cannot be read is kept with a mark%s",
    (json, others, time = new Date(NOW_MS).toISOString()) => {
      const document = parseLine("ecs", `{"@timestamp":${json},"message":"kept"${others}}`);
      expect(document).toMatchObject({
        "@timestamp": time,
        message: "kept",
        "labels.ignored_fields": ["@timestamp"],
        "labels.ignored.@timestamp": JSON.parse(json),
      });
    },
  );

  test("several values of a field for one value are kept as a list", () => {
    const document = parseLine(
      "ecs",
      `{${TIME},"source":{"ip":["203.0.113.7","198.51.100.2"],"port":["80"]},"host.name":["a"],"message":["x","y"]}`,
    );
    expect(document).toMatchObject({
      "source.ip": ["203.0.113.7", "198.51.100.2"],
      "source.port": 80,
      "host.name": "a",
      message: "x, y",
    });
  });

  test.each([
    ['"1773483072345"', "2026-03-14T10:11:12.345Z"],
    ["1773483072345", "2026-03-14T10:11:12.345Z"],
    ["1773483072.5", "2026-03-14T10:11:12.500Z"],
    ['"1773483072"', "2026-03-14T10:11:12.000Z"],
    ["1773483072345678", "2026-03-14T10:11:12.345Z"],
    ["1773483072345678901", "2026-03-14T10:11:12.345Z"],
    ['"2026-03-14T10:11Z"', "2026-03-14T10:11:00.000Z"],
    ['"2026-03-14T10:11"', "2026-03-14T09:11:00.000Z"],
    ['"2026-03-14"', "2026-03-13T23:00:00.000Z"],
    ['"20260314T101112.5+0100"', "2026-03-14T09:11:12.500Z"],
    ['"2026-03-14 10:11:12 UTC"', "2026-03-14T10:11:12.000Z"],
    ['["2026-03-14T10:11:12z"]', "2026-03-14T10:11:12.000Z"],
  ])("the time %s is read", (json, time) => {
    expect(parseLine("ecs", `{"@timestamp":${json},"message":"x"}`)["@timestamp"]).toBe(time);
  });

  test("names that are special in JavaScript are ordinary field names", () => {
    const [document = {}] = parseLines(
      "ecs",
      `{${TIME},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
    );
    expect(JSON.stringify(nested(document))).toContain('"__proto__"');
    expect({}).not.toHaveProperty("polluted");
  });
});
