import { expect, test } from "vitest";

import { nginxAccess } from "../formats/nginx-access.ts";
import { COMBINED, NOW_MS } from "../formats/parse-lines.ts";
import { Parser } from "../parse.ts";
import { UTC } from "../zone.ts";

const event = (message: string): string =>
  JSON.stringify({ id: "3".repeat(56), timestamp: 1_773_483_072_000, message });

const SUBSCRIPTION = `{"owner":"111122223333","logGroup":"/ecs/shop","logStream":"web/1","messageType":"DATA_MESSAGE","logEvents":[${[
  event(`${COMBINED}\n`),
  event("Mar 14 10:11:13 web1 kernel: link up"),
  event("START RequestId: 7 Version: 1"),
].join(",")}]}`;

test("each event of a subscription is read by the format that fits its message", () => {
  const parser = new Parser({
    format: nginxAccess,
    hasOthers: true,
    mode: "lines",
    zone: UTC,
    nowMs: NOW_MS,
    all: true,
    rules: { signIn: [], signOut: [] },
  });
  const documents = [...parser.push(Buffer.from(SUBSCRIPTION)), ...parser.end()];
  expect(documents.map((it) => it["data_stream.dataset"])).toEqual([
    "nginx.access",
    "system.syslog",
    "aws.cloudwatch",
  ]);
  for (const document of documents) {
    expect(document).toMatchObject({
      "cloud.account.id": "111122223333",
      "event.id": "3".repeat(56),
      "aws.cloudwatch.log_group": "/ecs/shop",
      "aws.cloudwatch.log_stream": "web/1",
    });
  }
  expect(documents[2]).toMatchObject({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    message: "START RequestId: 7 Version: 1",
    "event.original": event("START RequestId: 7 Version: 1"),
  });
});
