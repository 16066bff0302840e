import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import { parseLine, parseLines } from "./parse-lines.ts";

const REQUEST = {
  "http.request.method": "GET",
  "url.path": "/a",
  "http.response.status_code": 200,
};

test.each([
  '[14/Mar/2026:10:11:12 +0000] 203.0.113.9 "GET http://shop.example/a HTTP/1.1" 200 512 hit',
  '[14/Mar/2026:10:11:12 +0000] 203.0.113.9 - - "GET http://shop.example/a HTTP/1.1" 200 512 "-" "Probe/1.0" hit',
])("varnishncsa may write the time first: %s", (line) => {
  expect(parseLine("varnish.access", line)).toMatchObject({
    ...REQUEST,
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "source.ip": "203.0.113.9",
    "varnish.handling": "hit",
  });
});

test("IIS has a format of its own, with times in the zone of the server", () => {
  const line =
    "203.0.113.9, ann, 03/14/26, 7:55:20, W3SVC2, WEB1, 10.0.0.7, 4502, 163, 3223, 200, 0, GET, /a, id=7,";
  expect(parseLine("iis.access", line)).toMatchObject({
    ...REQUEST,
    "@timestamp": "2026-03-14T06:55:20.000Z",
    "source.ip": "203.0.113.9",
    "user.name": "ann",
    "destination.ip": "10.0.0.7",
    "url.query": "id=7",
    "event.duration": 4_502_000_000,
    "http.response.body.bytes": 3223,
    "iis.access.server_name": "WEB1",
  });
});

test("a response may be an object in nginx's JSON", () => {
  const line = {
    time_iso8601: "2026-03-14T10:11:12+00:00",
    remote_addr: "203.0.113.9",
    request: { method: "GET", uri: "/a", protocol: "HTTP/1.1" },
    response: { status: 200, body_bytes_sent: 512 },
    upstream: { addr: "10.0.0.1:8080", response_time: "0.120" },
  };
  expect(parseLine("nginx.access", JSON.stringify(line))).toMatchObject({
    ...REQUEST,
    "http.response.body.bytes": 512,
    "nginx.upstream.address": "10.0.0.1:8080",
  });
});

test("MongoDB before 2.6 writes times without a year", () => {
  const line =
    "Sat Mar 14 10:11:12.345 [conn3] end connection 203.0.113.9:4711 (2 connections now open)";
  expect(parseLine("mongodb.log", line)).toMatchObject({
    "@timestamp": "2026-03-14T09:11:12.345Z",
    "source.ip": "203.0.113.9",
    "mongodb.log.context": "conn3",
  });
});

test("lines of a statement in csvlog belong to it, whatever they look like", () => {
  const head = (line: number) =>
    `2026-03-14 10:11:12.345 UTC,"app","shop",1234,"10.0.0.5:40000",65f2c0a0.4d2,${line},"SELECT",2026-03-14 10:00:00 UTC,3/12,0,ERROR,42601,"syntax error",,,,,,`;
  const statement = [
    "SELECT ''",
    '127.0.0.1 - - [14/Mar/2026:10:11:12 +0000] ""GET / HTTP/1.1"" 200 12 ""-"" ""curl""',
    "2026-03-14 10:11:12.345 UTC [1234] ERROR:  no error",
    '{""level"":""info"",""msg"":""hi""}',
  ].join("\n");
  const log = `${head(1)}"${statement}",8,,"psql"\n${head(2)}"never ended\n${head(3)}"SELECT 3",8,,"psql"\n`;
  const events = parseLines("postgresql.log", log, "text");
  expect(events.map((event) => event["postgresql.log.query"])).toEqual([
    statement.replaceAll('""', '"'),
    expect.stringContaining("never ended"),
    "SELECT 3",
  ]);
});

test("HAProxy's lines in CLF have the fields of its HTTP log", () => {
  const line =
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET /a HTTP/1.1" 200 512 "" "" 4711 345 "fe~" "be" "srv1" 0 0 1 2 3 ---- 1 2 3 4 0 5 6';
  expect(parseLine("haproxy.log", line)).toMatchObject({
    ...REQUEST,
    "@timestamp": "2026-03-14T10:11:12.345Z",
    "source.port": 4711,
    "event.duration": 3_000_000,
    "haproxy.backend_name": "be",
    "haproxy.server_name": "srv1",
    "haproxy.termination_state": "----",
    "haproxy.connections.active": 1,
    "haproxy.backend_queue": 6,
  });
  expect(detectFormat(Buffer.from(`${line}\n`)).format?.dataset).toBe("haproxy.log");
});

test("Caddy's encoder for consoles writes an object after the message", () => {
  const line = `2026/03/14 10:11:12.345\tINFO\thttp.log.access.log0\thandled request\t${JSON.stringify(
    {
      request: { remote_ip: "203.0.113.9", method: "GET", uri: "/a", host: "shop.example" },
      status: 200,
      size: 512,
    },
  )}`;
  expect(parseLine("caddy.access", line)).toMatchObject({
    ...REQUEST,
    "@timestamp": "2026-03-14T09:11:12.345Z",
    "source.ip": "203.0.113.9",
    "log.logger": "http.log.access.log0",
    "http.response.body.bytes": 512,
  });
});

test("lines of dmesg have the time since the start of the machine", () => {
  const line = "[12345.678901] Out of memory: Killed process 1234 (java)";
  expect(parseLine("system.syslog", line)).toMatchObject({
    "process.name": "kernel",
    message: line,
  });
});

test("a line of uvicorn is not one of PostgreSQL", () => {
  const line = "INFO:     Started server process [28421]";
  expect(parseLine("postgresql.log", line)["event.kind"]).toBe("pipeline_error");
});
