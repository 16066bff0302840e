import { expect, test } from "vitest";

import { parseLine } from "./parse-lines.ts";

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
