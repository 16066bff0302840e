import { describe, expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { AT, parseLines } from "./parse-lines.ts";

const MS = 1e6;
const line = (tail: string, bytes = "512"): string =>
  `203.0.113.9 - - ${AT} "GET /a HTTP/1.1" 200 ${bytes} "-" "Probe/1.0" ${tail}`;
const log = (tails: readonly string[]): string => tails.map((tail) => `${line(tail)}\n`).join("");
const durations = (dataset: string, text: string): unknown[] =>
  parseLines(dataset, text).map((document) => document["event.duration"]);

describe("the unit of a duration", () => {
  test.each(["nginx.access", "apache.access"])(
    "%s: large whole numbers are microseconds, also the small ones among them",
    (dataset) => {
      const text = log(["pid=2617 request_time=562626", "pid=2617 request_time=1500"]);
      expect(durations(dataset, text)).toEqual([562.626 * MS, 1.5 * MS]);
    },
  );

  test.each(["rt", "response_time", "duration", "time_taken"])(
    "whole numbers named %s that would be too short as microseconds are milliseconds",
    (name) => {
      const text = log(["12", "5", "80", "340", "22"].map((value) => `${name}=${value}`));
      expect(durations("apache.access", text)).toEqual([12, 5, 80, 340, 22].map((ms) => ms * MS));
    },
  );

  test("whole numbers that are almost always 0 are seconds", () => {
    expect(durations("apache.access", log(["0", "0", "0", "1", "0"]))).toEqual([0, 0, 0, 1e9, 0]);
  });

  test("a number with a decimal point is in seconds, and so are whole numbers of the same field", () => {
    expect(durations("nginx.access", log(["rt=0.250", "rt=1"]))).toEqual([250 * MS, 1e9]);
  });

  test("a name with a unit decides", () => {
    const text = log(["duration_us=90", "duration_ms=90000", "request_time_s=3"]);
    expect(durations("apache.access", text)).toEqual([90_000, 90e9, 3e9]);
  });

  test.each(["12ms", "12000us", "12000µs", "0.012s", "12000000ns"])(
    "%s: a unit decides",
    (value) => {
      const json = `{"time_iso8601":"2026-03-14T10:11:12Z","request":"GET /a HTTP/1.1","status":200,"latency":"${value}"}\n`;
      expect(durations("nginx.access", log([`rt=${value}`]) + json)).toEqual([12 * MS, 12 * MS]);
      expect(durations("apache.access", log([`rt=${value}`, value]))).toEqual([12 * MS, 12 * MS]);
    },
  );

  test("Traefik's lines end with a duration", () => {
    expect(durations("nginx.access", log(['7 "web@docker" "http://10.0.0.2:80" 12ms']))).toEqual([
      12 * MS,
    ]);
  });

  test("JSON: a whole duration is not in seconds", () => {
    const json = (value: number): string =>
      `{"time_iso8601":"2026-03-14T10:11:12Z","request":"GET /a HTTP/1.1","status":200,"duration":${value}}\n`;
    expect(durations("nginx.access", json(48_211) + json(2_150))).toEqual([48.211 * MS, 2.15 * MS]);
    expect(durations("nginx.access", json(0.25) + json(1))).toEqual([250 * MS, 1e9]);
  });

  test.each(["nginx.access", "apache.access"])("%s: us and s are statuses", (dataset) => {
    const [document] = parseLines(dataset, log(['rt=0.029 ua="127.0.0.1:80" us="404" s=404']));
    expect(document).toMatchObject({ "event.duration": 29 * MS, [`${dataset}.us`]: "404" });
  });

  test("a number whose unit cannot be told is no duration", () => {
    expect(durations("nginx.access", log(["request_time=60"]))).toEqual([undefined]);
  });
});

describe("several numbers at the end of Apache's lines", () => {
  test("%D %T in either order: the same duration twice", () => {
    expect(durations("apache.access", log(["1500123 1", "2500 0"]))).toEqual([
      1_500_123e3,
      2.5 * MS,
    ]);
    expect(durations("apache.access", log(["1 1500123", "0 2500"]))).toEqual([
      1_500_123e3,
      2.5 * MS,
    ]);
  });

  test("%I %O: the bytes that were sent are at least those of the body", () => {
    const [document] = parseLines("apache.access", log(["300 812"]));
    expect(document).toMatchObject({ "http.request.bytes": 300, "http.response.bytes": 812 });
    expect(document).not.toHaveProperty(["event.duration"]);
  });

  test("two numbers that are neither are kept as they are", () => {
    const [document] = parseLines("apache.access", log(["300 77"]));
    expect(document).not.toHaveProperty(["http.response.bytes"]);
    expect(document).toMatchObject({ "apache.access.extra": ["300", "77"] });
  });

  test.each(["300 812 48211", "48211 300 812"])(
    "%s: the duration is the one that is no size",
    (tail) => {
      const text = log([tail, tail]).replace(/48211 300 812|300 812 48211/g, tail);
      const [document] = parseLines("apache.access", text.replaceAll("48211", "180"));
      expect(document).toMatchObject({
        "http.request.bytes": 300,
        "http.response.bytes": 812,
        "event.duration": 180_000,
      });
    },
  );
});

describe("nginx's times", () => {
  test.each([
    '"0.005" "0.006"',
    "0.006 0.005",
    "0.006 0.001 0.002 0.005",
    "0.001 0.002 0.005 0.006",
  ])("%s: a request takes at least as long as its upstream", (tail) => {
    expect(parseLines("nginx.access", log([tail]))[0]).toMatchObject({
      "event.duration": 6 * MS,
      "nginx.access.upstream.response_time": 0.005,
    });
  });
});

describe("nginx that caches", () => {
  test.each([
    ['"HIT"', "hit", undefined],
    ['"MISS" rt=0.120 urt="0.118"', "miss", 120 * MS],
    ["0.120 0.118 MISS", "miss", 120 * MS],
    ["cs=EXPIRED rt=0.120", "expired", 120 * MS],
  ])("%s is nginx with a duration, wherever the file lies", (tail, handling, duration) => {
    const text = log([tail, tail]);
    for (const path of ["/srv/logs/access.log", "/var/log/varnish/x.log", "/var/log/httpd/a_log"]) {
      expect(detectFormat(Buffer.from(text), path).format?.dataset).toBe("nginx.access");
    }
    const [document] = parseLines("nginx.access", text);
    // The field of the cache-hit ratio.
    expect(document?.["varnish.handling"]).toBe(handling);
    expect(document?.["event.duration"]).toBe(duration);
  });

  test("a line of Varnish is not nginx's", () => {
    const varnish = `203.0.113.9 - - ${AT} "GET http://a.example/ HTTP/1.1" 200 5 "-" "Probe" hit 0.000125 900\n`;
    expect(detectFormat(Buffer.from(varnish)).format?.dataset).toBe("varnish.access");
  });
});
