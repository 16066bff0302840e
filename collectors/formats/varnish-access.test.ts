import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { AT, parseLine } from "./parse-lines.ts";

const HEAD = `203.0.113.9 - ann ${AT} "GET http://shop.example/a HTTP/1.1" 200 3 "-" "Probe"`;

/** What varnishncsa 7 writes with `-F` and the variables in the order of the title. */
test.each([
  ["hitmiss", `${HEAD} miss`, { "varnish.handling": "miss" }],
  ["hitmiss, handling", `${HEAD} "miss" "pass"`, { "varnish.handling": "pass" }],
  ["handling, hitmiss", `${HEAD} pass miss`, { "varnish.handling": "pass" }],
  [
    "handling, time_firstbyte, D, X-Forwarded-For of a proxy",
    `${HEAD.replace("203.0.113.9", "10.0.0.1")} "hit" 0.005169 5290 "203.0.113.9, 10.0.0.1"`,
    {
      "varnish.handling": "hit",
      "varnish.ttfb_ms": 5.169,
      "event.duration": 5_290_000,
      "source.ip": "203.0.113.9",
      "varnish.access.x_forwarded_for": ["203.0.113.9", "10.0.0.1"],
    },
  ],
  [
    "D, time_firstbyte, handling, the parent's transaction",
    `${HEAD} 2549 0.002483 pass 32769`,
    {
      "varnish.handling": "pass",
      "event.duration": 2_549_000,
      "varnish.access.extra": ["32769"],
    },
  ],
  [
    "names",
    `${HEAD} handling=synth ttfb=0.000089 xid=32776 berespms=-`,
    { "varnish.handling": "synth", "varnish.ttfb_ms": 0.089, "varnish.vxid": "32776" },
  ],
])("varnishncsa with %s", (_variables, line, fields) => {
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("varnish.access");
  expect(parseLine("varnish.access", line)).toMatchObject({
    "url.path": "/a",
    "http.response.status_code": 200,
    ...fields,
  });
});

test("varnishncsa as JSON", () => {
  const line = String.raw`{"timestamp":"2026-03-14T10:11:12+0000","remote":"203.0.113.9","method":"GET","url":"/a","query":"?b=%22x","protocol":"HTTP/1.1","status":200,"bytes":"-","duration_us":1886,"ttfb":0.001768,"hitmiss":"miss","handling":"pass","xid":"32778","ua":"Probe \"1\" \xc3\xa9"}`;
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("varnish.access");
  expect(parseLine("varnish.access", line)).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "source.ip": "203.0.113.9",
    "url.path": "/a",
    "varnish.handling": "pass",
    "varnish.ttfb_ms": 1.768,
    "varnish.vxid": "32778",
    "event.duration": 1_886_000,
    "user_agent.original": 'Probe "1" é',
  });
});

test("an upper-case cache status beside an absolute URL is that of Varnish", () => {
  const line = `${HEAD} HIT`;
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("varnish.access");
});
