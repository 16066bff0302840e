import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { temporaryFolder } from "../harness/program.ts";
import { followLogs, type FollowedLogs } from "./follow-logs.ts";

/**
 * MongoDB has no package that can be installed here, and the server that speaks its protocol in the tests of Management
 * writes no such log. So these lines are made after the public documentation of the log: "Log Messages" in the manual of
 * MongoDB 8 and 4.2 describes the members of the JSON and the parts of the text.
 */
const ctx = "conn17";
const SESSION = { lsid: { id: { $uuid: "5c0b1f3e-0000-4000-8000-000000000001" } }, $db: "shop" };
const LINES = [
  entry("I", "NETWORK", { id: 22943, msg: "Connection accepted", attr: peer() }),
  entry("I", "ACCESS", {
    id: 5286307,
    msg: "Failed to authenticate",
    attr: {
      client: "203.0.113.9:50414",
      user: "ann",
      db: "admin",
      error: "AuthenticationFailed: no",
    },
  }),
  ...[7, 8].map((id) =>
    entry("I", "COMMAND", {
      id: 51803,
      msg: "Slow query",
      attr: {
        type: "command",
        ns: "shop.orders",
        command: {
          find: "orders",
          filter: { customer: id, at: { $gt: { $date: "2026-01-01" } } },
          ...SESSION,
        },
        planSummary: "COLLSCAN",
        keysExamined: 0,
        docsExamined: 120_000,
        nreturned: 1,
        durationMillis: 250 + id,
        ...peer(),
      },
    }),
  ),
  entry("E", "WRITE", {
    id: 20557,
    msg: "Operation failed",
    attr: {
      error: {
        code: 112,
        codeName: "WriteConflict",
        errmsg: "Write conflict during plan execution",
      },
    },
  }),
];
const TEXT = [
  "2026-03-14T10:11:12.345+0000 I NETWORK  [listener] connection accepted from 203.0.113.9:50414 #17 (1 connection now open)",
  '2026-03-14T10:11:13.345+0000 I COMMAND  [conn17] command shop.orders appName: "app" command: find { find: "orders", filter: { customer: 7.0 }, $db: "shop" } planSummary: COLLSCAN keysExamined:0 docsExamined:120000 nreturned:1 reslen:242 protocol:op_msg 257ms',
  "2026-03-14T10:11:14.345+0000 F -        [conn17] Got signal: 11 (Segmentation fault).",
  "0x55d0 0x55d1",
  "----- BEGIN BACKTRACE -----",
  "2026-03-14T10:11:15.345+0000 I CONTROL  [main] ***** SERVER RESTARTED *****",
];

const stack = new AsyncDisposableStack();
let json: FollowedLogs;
let text: FollowedLogs;

function peer(): Record<string, unknown> {
  return { remote: "203.0.113.9:50414", connectionId: 17, connectionCount: 1 };
}

function entry(s: string, c: string, rest: Record<string, unknown>): string {
  return JSON.stringify({
    t: { $date: "2026-03-14T10:11:12.345+00:00" },
    s,
    c,
    ctx,
    svc: "S",
    ...rest,
  });
}

beforeAll(async () => {
  const { path: folder } = stack.use(await temporaryFolder());
  const files = ["mongod.json.log", "mongod.log"].map((name) => path.join(folder, name));
  const [jsonFile = "", textFile = ""] = files;
  for (const file of files) await writeFile(file, "");
  json = stack.use(followLogs([jsonFile]));
  text = stack.use(followLogs([textFile]));
  for (const line of LINES) await appendFile(jsonFile, `${line}\n`);
  // The lines of an event are written at once: what comes seconds later is no part of it.
  await appendFile(textFile, TEXT.map((line) => `${line}\n`).join(""));
});

afterAll(() => stack.disposeAsync());

test("slow commands have a duration and one fingerprint, and errors their code", async () => {
  const events = () => json.events("mongodb.log");
  await expect.poll(events).toHaveLength(LINES.length);
  const [accepted, refused, first, second, conflict] = await events();
  expect(accepted).toMatchObject({ "source.ip": "203.0.113.9", "source.port": 50_414 });
  expect(refused).toMatchObject({
    "user.name": "ann",
    "event.outcome": "failure",
    "error.message": "AuthenticationFailed: no",
  });
  expect(first).toMatchObject({
    "event.duration": 257e6,
    "mongodb.log.attr.docsExamined": 120_000,
    "db.query.text": 'shop.orders {"find":"orders","filter":{"customer":"?","at":{"$gt":"?"}}}',
  });
  expect(second?.["db.query.fingerprint"]).toBe(first?.["db.query.fingerprint"]);
  expect(conflict).toMatchObject({
    "event.type": ["change", "error"],
    "error.type": "WriteConflict",
  });
});

test("the text of old versions, with a backtrace that is part of its event", async () => {
  const events = () => text.events("mongodb.log");
  await expect.poll(events).toHaveLength(4);
  const [accepted, slow, crash] = await events();
  expect(accepted).toMatchObject({ "source.port": 50_414 });
  expect(slow).toMatchObject({ "event.duration": 257e6, "mongodb.log.attr.ns": "shop.orders" });
  expect(crash).toMatchObject({
    "event.type": ["info", "error"],
    message: "Got signal: 11 (Segmentation fault).\n0x55d0 0x55d1\n----- BEGIN BACKTRACE -----",
  });
  expect(await text.events("quarterdeck.quarantine")).toEqual([]);
});
