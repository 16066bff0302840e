import { describe, expect, test } from "vitest";

import { parseLine } from "./parse-lines.ts";

const OWN_TIME = "[14/Mar/2026:10:11:12.165]";
const REQUEST = `192.0.2.7:48548 ${OWN_TIME} web~ app/s1 0/0/1/593/595 404 9085 - - ---- 4/2/1/1/0 0/0 "GET /health/ HTTP/1.1"`;
const SESSION = `192.0.2.7:48548 ${OWN_TIME} db db/s1 1/0/30 212 SD 1/1/0/0/0 0/0`;
const CONNECT = "Connect from 192.0.2.7:48548 to 192.0.2.9:443 (web/HTTP)";
const HOST = { "host.name": "edge-1", "host.hostname": "edge-1", "process.pid": 44 };
const NO_HOST = {};

describe("headers", () => {
  test.each([
    ["rfc5424", "<134>1 2026-03-14T10:11:12+02:00 edge-1 haproxy 44 - - ", HOST],
    ["rfc5424", '<134>1 2026-03-14T10:11:12.1+02:00 edge-1 haproxy 44 - [a@1 b="\\]"] ', HOST],
    ["rfc3164 with an ISO time", "<134>2026-03-14T10:11:12+02:00 edge-1 haproxy[44]: ", HOST],
    ["a file of rsyslog", "2026-03-14T10:11:12.345678+02:00 edge-1 haproxy[44]: ", HOST],
    ["journalctl -o short-iso", "2026-03-14T10:11:12+0200 edge-1 haproxy[44]: ", HOST],
    ["iso", "2026-03-14T10:11:12.345678+02:00 ", NO_HOST],
    ["timed", "<6>2026-03-14T10:11:12.345678+02:00 ", NO_HOST],
  ])("%s: the offset of the header is the zone of all times of the line", (_name, head, fields) => {
    for (const body of [REQUEST, SESSION, `192.0.2.7:5 ${OWN_TIME} web/1: SSL handshake failure`]) {
      expect(parseLine("haproxy.log", head + body)).toMatchObject({
        "@timestamp": "2026-03-14T08:11:12.165Z",
        "source.ip": "192.0.2.7",
        ...fields,
      });
    }
    expect(parseLine("haproxy.log", head + CONNECT)["@timestamp"]).toMatch(/^2026-03-14T08:11:12/);
  });

  test.each([
    ["rfc3164", "<134>Mar 14 10:11:12 edge-1 haproxy[44]: ", HOST],
    ["rfc3164 of BusyBox", "Mar 14 10:11:12 edge-1 local0.info haproxy[44]: ", HOST],
    ["local", "<134>Mar 14 10:11:12 haproxy[44]: ", { "process.pid": 44 }],
    ["short", "<134>", NO_HOST],
    ["raw", "", NO_HOST],
  ])("%s: the line is in the zone of the reader", (_name, head, fields) => {
    expect(parseLine("haproxy.log", head + REQUEST)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.165Z",
      "source.ip": "192.0.2.7",
      "http.response.status_code": 404,
      "event.duration": 595e6,
      ...fields,
    });
  });
});

describe("lines that are no requests", () => {
  const HEADER = "Mar 14 10:11:12 edge-1 haproxy[44]: ";

  test.each([
    [
      "[WARNING] 262/094045 (5116) : Exiting Master process...",
      "warning",
      "Exiting Master process...",
    ],
    ["[ALERT]    (7) : config : no listener", "alert", "config : no listener"],
    ["[NOTICE]   (7) : haproxy version is 2.8.5-1", "notice", "haproxy version is 2.8.5-1"],
  ])("HAProxy's own %s is an event with its level", (text, level, message) => {
    expect(parseLine("haproxy.log", HEADER + text)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.000Z",
      "log.level": level,
      "event.type": [level === "notice" ? "info" : "error"],
      "host.hostname": "edge-1",
      message,
    });
  });

  test("an own line without a header has the time of its day of the year", () => {
    const line = "[WARNING] 072/101112 (5116) : Exiting Master process...";
    expect(parseLine("haproxy.log", line)).toMatchObject({
      "@timestamp": "2026-03-14T09:11:12.000Z",
      "process.pid": 5116,
    });
  });

  test.each([SESSION, CONNECT, `192.0.2.7:5 ${OWN_TIME} web/1: SSL handshake failure`])(
    "%s is a connection",
    (body) => {
      expect(parseLine("haproxy.log", HEADER + body)).toMatchObject({
        "event.category": ["network"],
        "event.type": ["connection"],
      });
    },
  );
});

describe("the syslog priority", () => {
  const DOWN = "Server app/s1 is DOWN, reason: Layer4 timeout. 0 active and 0 backup servers left.";
  const ALERT = {
    "log.level": "alert",
    "log.syslog.facility.code": 16,
    "log.syslog.facility.name": "local0",
    "log.syslog.severity.code": 1,
    "log.syslog.severity.name": "Alert",
  };

  test.each([
    "<129>Mar 14 10:11:12 edge-1 haproxy[44]: ",
    "<129>1 2026-03-14T10:11:12+02:00 edge-1 haproxy 44 - - ",
    "Mar 14 10:11:12 edge-1 local0.alert haproxy[44]: ",
    "<129>2026-03-14T10:11:12.345678+02:00 ",
  ])("of %s is the level of a message without one, and decides its type", (head) => {
    expect(parseLine("haproxy.log", head + DOWN)).toMatchObject({
      ...ALERT,
      "event.type": ["error"],
      message: DOWN,
    });
  });

  test("does not replace the level that HAProxy writes into its message", () => {
    const line = `<129>Mar 14 10:11:12 edge-1 haproxy[44]: [NOTICE]   (7) : haproxy version is 2.8.5-1`;
    expect(parseLine("haproxy.log", line)).toMatchObject({ ...ALERT, "log.level": "notice" });
  });

  test("leaves a request a request, also one without a status", () => {
    const aborted = REQUEST.replace(" 404 ", " -1 ");
    for (const body of [REQUEST, aborted]) {
      const event = parseLine("haproxy.log", `<131>Mar 14 10:11:12 edge-1 haproxy[44]: ${body}`);
      expect(event).toMatchObject({ "log.level": "error", "event.type": ["access"] });
    }
  });

  test.each(["", "<192>", "<999>"])("%j is none", (head) => {
    const event = parseLine("haproxy.log", `${head}Mar 14 10:11:12 edge-1 haproxy[44]: ${DOWN}`);
    expect(event).not.toHaveProperty(["log.level"]);
    expect(event).not.toHaveProperty(["log.syslog.severity.code"]);
  });
});
