import { expect, test } from "vitest";

import { detectFormat } from "../detect.ts";
import type { Document } from "../parse.ts";
import { parseLine } from "./parse-lines.ts";

test.each<[string, Document]>([
  [
    "7:M 14 Mar 2026 10:11:12.345 * Ready to accept connections",
    {
      "@timestamp": "2026-03-14T09:11:12.345Z",
      "log.level": "notice",
      "redis.log.role": "master",
      "process.pid": 7,
    },
  ],
  [
    "7:S 14 Mar 10:11:12.345 # Connection with master lost.",
    { "@timestamp": "2026-03-14T09:11:12.345Z", "log.level": "warning", "redis.log.role": "slave" },
  ],
  [
    "14 Mar 10:11:12 - 1 clients connected",
    { "log.level": "verbose", message: "1 clients connected" },
  ],
  ["[2932] 14 Mar 10:11:12 . x", { "process.pid": 2932, "log.level": "debug" }],
  [
    "7:signal-handler (1773483072) Received SIGTERM scheduling shutdown...",
    { "@timestamp": "2026-03-14T10:11:12.000Z", "process.pid": 7 },
  ],
  [
    "7:M 2026-03-14T10:11:12.345+01:00 * Ready",
    { "@timestamp": "2026-03-14T09:11:12.345Z", message: "Ready" },
  ],
  [
    'pid=7 role=primary timestamp="14 Mar 2026 10:11:12.345" level=notice message="Server initialized"',
    {
      "@timestamp": "2026-03-14T09:11:12.345Z",
      "redis.log.role": "primary",
      message: "Server initialized",
    },
  ],
])("%s", (line, fields) => {
  expect(parseLine("redis.log", line)).toMatchObject({ "event.category": ["database"], ...fields });
  expect(detectFormat(Buffer.from(`${line}\n`.repeat(3))).format?.dataset).toBe("redis.log");
});

test("a line without a time of Redis is rejected", () => {
  expect(parseLine("redis.log", "7:M hello")["event.kind"]).toBe("pipeline_error");
});
