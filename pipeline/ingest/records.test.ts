import { expect, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const record = (n: number): string =>
  `{"eventTime":"2026-03-14T10:11:1${n}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"${n}"}`;
const event = (n: number): string =>
  `{"id":"${"3".repeat(55)}${n}","timestamp":1773483072000,"message":"{\\"level\\":\\"info\\",\\"msg\\":\\"paid ${n}\\"}"}`;
const CLOUDTRAIL = `{"Records":[${record(1)},${record(2)}]}`;
const SUBSCRIPTION = `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/ecs/shop","logStream":"web/1","logEvents":[${event(1)},${event(2)}]}`;

async function events(
  log: string,
  cloudFrontFields?: readonly string[],
): Promise<Record<string, unknown>[]> {
  await using store = openMemoryStore()();
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [], cloudFrontFields },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 60_000,
  });
  await ingest.run(logSource({ path: "/logs/aws.json" }, log), new AbortController().signal);
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 100 };
  const found = (await store.search(all)).map(({ fields }) => fields);
  return found.toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
}

test("each record of a line is an event with its own bytes, at its own offset", async () => {
  const found = await events(`${CLOUDTRAIL}\n${record(3)}\n`);
  expect(found.map((it) => it["event.original"])).toEqual([record(1), record(2), record(3)]);
  expect(found.map((it) => it["log.offset"])).toEqual([
    CLOUDTRAIL.indexOf(record(1)),
    CLOUDTRAIL.indexOf(record(2)),
    CLOUDTRAIL.length + 1,
  ]);
  expect(new Set(found.map((it) => it["data_stream.dataset"]))).toEqual(
    new Set(["aws.cloudtrail"]),
  );
});

test("each event of a subscription of CloudWatch Logs has its group, and the fields of its message", async () => {
  const found = await events(SUBSCRIPTION + SUBSCRIPTION);
  const original = [event(1), event(2), event(1), event(2)];
  expect(found.map((it) => it["event.original"])).toEqual(original);
  expect(found.map((it) => it["message"])).toEqual(["paid 1", "paid 2", "paid 1", "paid 2"]);
  expect(found[0]).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    "data_stream.dataset": "app.json",
    "aws.cloudwatch.log_group": "/ecs/shop",
  });
});

test("real-time logs of CloudFront are recognised with the fields of the setting", async () => {
  const line = "1773483072.345\t203.0.113.9\t404\tFRA2-C1\t/cart\n";
  const names = ["timestamp", "c-ip", "sc-status", "x-edge-location", "cs-uri-stem"];
  expect(await events(line.repeat(3), names)).toMatchObject(
    Array.from({ length: 3 }, () => ({
      "data_stream.dataset": "aws.cloudfront_logs",
      "http.response.status_code": 404,
      "url.path": "/cart",
    })),
  );
});
