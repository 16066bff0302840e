import { gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { testReceivers, type TestReceivers } from "../testing.ts";
import { recordLines } from "./record-lines.ts";

const ARN = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/logs";
const FLOW =
  "2 111122223333 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1773483072 1773483132 ACCEPT OK";

const logEvent = (n: number, message: string) => ({
  id: String(n).padStart(56, "3"),
  timestamp: 1_773_483_072_000 + n,
  message,
});
const subscription = (messageType: string, ...messages: string[]): string =>
  JSON.stringify({
    messageType,
    owner: "111122223333",
    logGroup: "/ecs/shop",
    logStream: "web/1",
    subscriptionFilters: ["all"],
    logEvents: messages.map((message, n) => logEvent(n, message)),
  });

const bodyOf = (requestId: string, ...records: (string | Buffer)[]): string =>
  JSON.stringify({
    requestId,
    timestamp: 1_773_483_072_000,
    records: records.map((data) => ({ data: Buffer.from(data).toString("base64") })),
  });

async function deliver(
  { send, secret }: TestReceivers,
  body: string,
  headers: Record<string, string> = {},
) {
  const answer = await send("POST", "/firehose", {
    as: "",
    headers: {
      "content-type": "application/json",
      "x-amz-firehose-access-key": secret,
      "x-amz-firehose-request-id": "of the header",
      "x-amz-firehose-source-arn": ARN,
      ...headers,
    },
    body,
  });
  expect(answer.headers.get("content-type")).toBe("application/json");
  return answer;
}

const messagesOf = (events: readonly Record<string, unknown>[]): string[] =>
  events.map(({ message }) => String(message)).toSorted((a, b) => (a < b ? -1 : 1));

test("records of CloudWatch Logs, flow logs, JSON and lines are stored in their formats, and a request that is sent again once", async () => {
  await using receivers = await testReceivers();
  const data = gzipSync(
    subscription("DATA_MESSAGE", '{"level":"warn","msg":"slow"}', "order 17 was paid\n") +
      subscription("DATA_MESSAGE", "order 18 was paid"),
  );
  const pino = '{"level":30,"time":1773483072000,"pid":1,"hostname":"a1","msg":"ready"}';
  const body = bodyOf(
    "r1",
    data,
    gzipSync(subscription("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health")),
    `${JSON.stringify({ message: FLOW })}\n`,
    pino + pino,
  );
  const attributes = { commonAttributes: { team: "orders" } };
  const headers = { "x-amz-firehose-common-attributes": JSON.stringify(attributes) };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const answer = await deliver(receivers, body, headers);
    expect([answer.status, answer.json]).toEqual([
      200,
      { requestId: "r1", timestamp: expect.any(Number) },
    ]);
  }
  await deliver(receivers, bodyOf("r2", pino), headers);
  const events = await receivers.stored(7);
  for (const event of events) {
    expect(event).toMatchObject({
      "labels.team": "orders",
      "cloud.account.id": "111122223333",
      "cloud.region": "eu-west-1",
      "aws.firehose.arn": ARN,
    });
  }
  const shop = events.filter((it) => it["aws.cloudwatch.log_group"] === "/ecs/shop");
  expect(messagesOf(shop)).toEqual(["order 17 was paid", "order 18 was paid", "slow"]);
  expect(events.find((it) => it["data_stream.dataset"] === "aws.vpcflow")).toMatchObject({
    "source.address": "172.31.16.139",
    "event.original": FLOW,
  });
  expect(events.filter(({ message }) => message === "ready")).toHaveLength(3);
});

test("two equal requests at the same time are kept once, and one with the same id and other records too", async () => {
  await using receivers = await testReceivers();
  const same = bodyOf("r1", gzipSync(subscription("DATA_MESSAGE", "one")));
  const answers = await Promise.all([
    deliver(receivers, same),
    deliver(receivers, same),
    deliver(receivers, bodyOf("r1", subscription("DATA_MESSAGE", "other"))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const events = await receivers.stored(2);
  expect(messagesOf(events)).toEqual(["one", "other"]);
});

test("a record that is damaged or a bomb is quarantined, and the others are kept", async () => {
  await using receivers = await testReceivers();
  const truncated = gzipSync(subscription("DATA_MESSAGE", "lost")).subarray(0, 60);
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
  const body = bodyOf("r1", truncated, bomb, subscription("DATA_MESSAGE", "kept"));
  expect((await deliver(receivers, body)).status).toBe(200);
  const events = await receivers.stored(3);
  const datasets = events.map((it) => it["data_stream.dataset"]);
  expect(datasets.filter((it) => it === "quarterdeck.quarantine")).toHaveLength(2);
  expect(events.some(({ message }) => message === "kept")).toBe(true);
});

test("what is refused has the reason as Firehose shows it", async () => {
  await using receivers = await testReceivers();
  const limited = await receivers.newToken({ datasets: ["shop.*"] });
  const attributes = (commonAttributes: unknown) => ({
    "x-amz-firehose-common-attributes": JSON.stringify({ commonAttributes }),
  });
  const slow = await receivers.newToken({ eventsPerSecond: 1 });
  const access = (secret: string) => ({ "x-amz-firehose-access-key": secret });
  const many = bodyOf("r3", Array.from({ length: 50 }, (_, n) => `line ${n}`).join("\n"));
  await deliver(receivers, many, access(slow));
  const large = Array.from({ length: 3 }, () => gzipSync(Buffer.alloc(30 * 1024 * 1024)));
  const cases: [body: string, headers: Record<string, string>, status: number, text: string][] = [
    [bodyOf("r", FLOW), access(""), 401, "x-amz-firehose-access-key"],
    [bodyOf("r", FLOW), access("qd_wrong"), 401, "token"],
    [bodyOf("r", FLOW), access(limited), 403, "shop.*"],
    [bodyOf("r", FLOW), access(slow), 429, "many"],
    [bodyOf("r", FLOW), attributes({ dataset: "A B" }), 400, "dataset"],
    [bodyOf("r", FLOW), attributes([1]), 400, "common-attributes"],
    [bodyOf("r", ...large), {}, 413, "buffer"],
    ["{", {}, 400, "not JSON"],
    ['{"records":[]}', {}, 400, "requestId"],
    ['{"requestId":"r","records":[{"data":1}]}', {}, 400, "records.0.data"],
    ['{"requestId":"r","records":"none"}', {}, 400, "records: give a list"],
    [`{"requestId":"r","records":[${"{},".repeat(100_000)}{}]}`, {}, 400, "100000 records"],
  ];
  for (const [body, headers, status, text] of cases) {
    const answer = await deliver(receivers, body, headers);
    expect([status, answer.json]).toEqual([
      answer.status,
      {
        requestId: "of the header",
        timestamp: expect.any(Number),
        errorMessage: expect.stringContaining(text),
      },
    ]);
  }
});

test("JSON objects with anything between them, and other text, keep every value", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 2 });
  const gap = fc.constantFrom("", "\n", "\r\n", "  ", "\t\n\n");
  fc.assert(
    fc.property(fc.array(object), gap, fc.boolean(), (objects, between, isIndented) => {
      const texts = objects.map((it) => JSON.stringify(it, undefined, isIndented ? 2 : 0));
      const lines = recordLines(Buffer.from(texts.join(between))).toString();
      const read = lines === "" ? [] : lines.replace(/\n$/, "").split("\n");
      expect(read.map((line) => JSON.parse(line))).toEqual(
        objects.map((it) => JSON.parse(JSON.stringify(it))),
      );
    }),
  );
  const words = (text: string): string => text.replaceAll(/\s+/g, "");
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", '"', "\\", "a", ":", "\n") }),
      (text) => {
        expect(words(recordLines(Buffer.from(text)).toString())).toBe(words(text));
      },
    ),
  );
});
