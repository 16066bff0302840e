import { gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { parseMessage } from "./notification.ts";

const created = (key: string, eventName = "ObjectCreated:Put") => ({
  eventSource: "aws:s3",
  eventName,
  awsRegion: "eu-west-1",
  s3: { bucket: { name: "logs" }, object: { key, size: 10, eTag: "abc", sequencer: "0055" } },
});
const ref = (key: string) => ({ bucket: "logs", key, size: 10, etag: "abc" });
const direct = JSON.stringify({ Records: [created("a+b%2Bc.json.gz")] });

test("an object is found in a notification of S3, of SNS and of EventBridge", () => {
  const expected = { is: "objects", objects: [ref("a b+c.json.gz")] };
  expect(parseMessage(direct)).toEqual(expected);
  const sns = { Type: "Notification", TopicArn: "arn:aws:sns:eu-west-1:1:t", Message: direct };
  expect(parseMessage(JSON.stringify(sns))).toEqual(expected);
  const event = {
    source: "aws.s3",
    "detail-type": "Object Created",
    detail: { bucket: { name: "logs" }, object: { key: "a b+c.json.gz", size: 10, etag: "abc" } },
  };
  expect(parseMessage(JSON.stringify(event))).toEqual(expected);
  const trail = { s3Bucket: "logs", s3ObjectKey: ["one.json.gz", "two.json.gz"] };
  const keys = parseMessage(
    JSON.stringify({ Type: "Notification", Message: JSON.stringify(trail) }),
  );
  expect(keys).toMatchObject({ objects: [{ key: "one.json.gz" }, { key: "two.json.gz" }] });
});

test("deletions and test messages announce nothing", () => {
  const removed = { Records: [created("a", "ObjectRemoved:Delete")] };
  expect(parseMessage(JSON.stringify(removed))).toEqual({ is: "other" });
  expect(parseMessage('{"Service":"Amazon S3","Event":"s3:TestEvent"}')).toEqual({
    is: "other",
  });
});

test("other messages are refused with what to do", () => {
  for (const body of ["", "null", "[]", "{}", '{"Records":[{}]}', direct.replace("aws:s3", "x")]) {
    expect(parseMessage(body)).toMatchObject({ is: "refused", reason: /let S3/ });
  }
  const broken = { Records: [created("%zz")] };
  expect(parseMessage(JSON.stringify(broken))).toMatchObject({ is: "refused" });
});

const SUBSCRIPTION = {
  messageType: "DATA_MESSAGE",
  owner: "111122223333",
  logGroup: "/ecs/shop",
  logStream: "web/1",
  logEvents: [{ id: "3".repeat(56), timestamp: 1_773_483_072_000, message: "paid" }],
};

test("logs of CloudWatch are found as JSON, as gzip in base64, and as subscriptions call a function", () => {
  const json = JSON.stringify(SUBSCRIPTION);
  const data = gzipSync(json).toString("base64");
  const bodies = [
    json,
    JSON.stringify(SUBSCRIPTION, undefined, 2),
    data,
    JSON.stringify({ awslogs: { data } }),
    JSON.stringify({ kinesis: { data, partitionKey: "1" } }),
    JSON.stringify({ Type: "Notification", Message: data }),
  ];
  for (const body of bodies) {
    expect(parseMessage(body)).toEqual({ is: "logs", lines: Buffer.from(`${json}\n`) });
  }
});

test("data that is damaged, a bomb or of another kind is refused", () => {
  const bomb = gzipSync(Buffer.alloc(70_000_000)).toString("base64");
  const data = gzipSync(JSON.stringify(SUBSCRIPTION)).toString("base64");
  const bodies = [bomb, data.slice(0, 60), gzipSync('{"a":1}').toString("base64")];
  for (const body of bodies) {
    expect(parseMessage(body)).toMatchObject({ is: "refused", reason: /^its data is not/ });
  }
});

test("any key arrives as it was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 }), (key) => {
      const encoded = encodeURIComponent(key).replaceAll("%20", "+");
      const body = JSON.stringify({ Records: [created(encoded)] });
      expect(parseMessage(body)).toEqual({ is: "objects", objects: [ref(key)] });
    }),
  );
});

test("no text makes it fail", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(["objects", "logs", "other", "refused"]).toContain(parseMessage(body).is);
    }),
  );
});
