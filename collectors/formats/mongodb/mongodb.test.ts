import { describe, expect, test } from "vitest";

import { detectFormat } from "#collectors/detect.ts";
import type { Document } from "#collectors/parse.ts";

import { parseLine } from "../parse-lines.ts";

/** A line of the structured log, in the layout that the manual of MongoDB documents. */
const json = (line: Record<string, unknown>): string =>
  JSON.stringify({
    t: { $date: "2026-03-14T10:11:12.345+00:00" },
    s: "I",
    c: "NETWORK",
    id: 22943,
    ctx: "conn7",
    msg: "Connection accepted",
    ...line,
  });
const TIME = "2026-03-14T10:11:12.345Z";
const slow = (filter: unknown): Document =>
  parseLine(
    "mongodb.log",
    json({
      c: "COMMAND",
      id: 51803,
      msg: "Slow query",
      attr: {
        type: "command",
        ns: "shop.orders",
        command: { find: "orders", filter, limit: 5, lsid: { id: { $uuid: "a" } }, $db: "shop" },
        planSummary: "COLLSCAN",
        docsExamined: 1000,
        remote: "203.0.113.9:5000",
        durationMillis: 1234,
      },
    }),
  );

describe("the structured log", () => {
  test("a slow query has its duration and a fingerprint without its values", () => {
    const document = slow({ name: "x", id: { $in: [1, 2, 3] }, at: { $date: "2026-01-01" } });
    expect(document).toMatchObject({
      "@timestamp": TIME,
      "log.level": "I",
      message: "Slow query",
      "event.category": ["database"],
      "event.type": ["info"],
      "event.duration": 1_234_000_000,
      "source.ip": "203.0.113.9",
      "source.port": 5000,
      "mongodb.log.component": "COMMAND",
      "mongodb.log.context": "conn7",
      "mongodb.log.id": 51_803,
      "mongodb.log.attr.planSummary": "COLLSCAN",
      "mongodb.log.attr.docsExamined": 1000,
      "db.query.text":
        'shop.orders {"find":"orders","filter":{"name":"?","id":{"$in":["?"]},"at":"?"},"limit":"?"}',
    });
    const name = "db.query.fingerprint";
    expect(slow({ name: "y", id: { $in: [4] }, at: { $date: "2026-02-01" } })[name]).toBe(
      document[name],
    );
    expect(slow({ name: "y" })[name]).not.toBe(document[name]);
  });

  test("lists in lists are read in linear time", () => {
    const deep = `${"[".repeat(50)}1${"]".repeat(50)}`;
    expect(slow({ x: JSON.parse(deep) })["db.query.text"]).toContain("?");
  });

  test.each<[string, string, Document]>([
    ["Authentication succeeded", "ACCESS", { "event.outcome": "success", "user.name": "ann" }],
    ["Authentication failed", "ACCESS", { "event.outcome": "failure", "user.name": "ann" }],
  ])("%s", (msg, c, fields) => {
    const attr = { principalName: "ann", remote: "203.0.113.9:5000", error: "UserNotFound: no" };
    expect(parseLine("mongodb.log", json({ msg, c, attr }))).toMatchObject({
      "event.category": ["database", "authentication"],
      "source.ip": "203.0.113.9",
      "error.message": "UserNotFound: no",
      ...fields,
    });
  });

  test("an error", () => {
    const attr = {
      error: { code: 11000, codeName: "DuplicateKey", errmsg: "E11000 duplicate key" },
    };
    expect(
      parseLine("mongodb.log", json({ s: "E", c: "WRITE", msg: "Failed", attr })),
    ).toMatchObject({
      "event.type": ["change", "error"],
      "error.message": "E11000 duplicate key",
      "error.type": "DuplicateKey",
      "mongodb.log.attr.error.code": 11_000,
    });
  });

  test("JSON of other programs is rejected", () => {
    expect(parseLine("mongodb.log", '{"t":1,"msg":"x"}')["event.kind"]).toBe("pipeline_error");
  });
});

describe("the text of versions before 4.4", () => {
  const AT = "2026-03-14T10:11:12.345+0000";

  test.each<[string, Document]>([
    [
      "I NETWORK  [conn2] end connection 203.0.113.9:5000 (0 connections now open)",
      { "mongodb.log.component": "NETWORK", "mongodb.log.context": "conn2", "source.port": 5000 },
    ],
    ["I CONTROL  Ctrl-C signal", { message: "Ctrl-C signal" }],
    ["[initandlisten] waiting for connections", { "mongodb.log.context": "initandlisten" }],
    [
      "I ACCESS   [conn3] SCRAM-SHA-1 authentication failed for ann on admin from client 203.0.113.9:5000 ; UserNotFound: no",
      {
        "event.category": ["database", "authentication"],
        "event.type": ["access", "logon-failed"],
        "user.name": "ann",
        "source.ip": "203.0.113.9",
      },
    ],
    [
      'I COMMAND  [conn4] command shop.orders appName: "app" command: find { find: "orders", filter: { id: 7.0, name: "x" } } planSummary: COLLSCAN keysExamined:0 docsExamined:1000 numYields:7 reslen:102 protocol:op_msg 1234ms',
      {
        "event.duration": 1_234_000_000,
        "mongodb.log.attr.planSummary": "COLLSCAN",
        "db.query.text": "shop.orders find { find : ?, filter : { id : ?, name : ? } }",
      },
    ],
  ])("%s", (text, fields) => {
    expect(parseLine("mongodb.log", `${AT} ${text}`)).toMatchObject({
      "@timestamp": TIME,
      ...fields,
    });
  });
});

test.each([json({}), "2026-03-14T10:11:12.345+0000 I NETWORK  [conn2] end connection"])(
  "the log is detected by its content: %s",
  (line) => {
    expect(detectFormat(Buffer.from(`${line}\n`.repeat(3))).format?.dataset).toBe("mongodb.log");
  },
);
