import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import { snsKind } from "#collectors/sources/sns.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";
import { AppError } from "#platform/errors.ts";

import { Activity } from "../activity/activity.ts";
import { testReceivers } from "../testing.ts";
import { SnsInbox } from "./sns-inbox.ts";
import type { SnsMessage } from "./sns-message.ts";
import {
  CERTIFICATE_URL,
  confirmation,
  notification,
  signed,
  SNS_CERTIFICATE,
  TOPIC,
} from "./testing-sns.ts";

const ALLOWED: ConfiguredSource = { id: "alarms", kind: snsKind, properties: { topics: [TOPIC] } };

class Inbox {
  nowMs = Date.UTC(2026, 10, 20, 1);
  readonly requested: string[] = [];
  readonly events: Record<string, unknown>[] = [];
  /** Requests and appends that fail next. */
  failures = 0;
  readonly activity = new Activity({ nowMs: () => this.nowMs }, (text) => text);
  readonly #inbox = new SnsInbox({
    activity: this.activity,
    clock: { nowMs: () => this.nowMs },
    sources: () => [ALLOWED],
    get: async (url) => {
      this.requested.push(url);
      return url === CERTIFICATE_URL ? SNS_CERTIFICATE : "<ConfirmSubscriptionResponse/>";
    },
    bus: { append: async (...records) => this.#append(records) },
  });

  receive(message: SnsMessage): Promise<void> {
    return this.#inbox.receive(JSON.stringify(message), "203.0.113.9");
  }

  #append(records: readonly BusRecord[]): void {
    this.failures -= 1;
    if (this.failures >= 0) throw new AppError("unavailable", "the disk is full");
    for (const { header, lines } of records) {
      const text = Buffer.from(lines).toString().trim();
      for (const line of text.split("\n")) this.events.push({ ...header, ...JSON.parse(line) });
    }
  }
}

test("a message is kept once, though it is delivered and replayed repeatedly", async () => {
  const inbox = new Inbox();
  const message = signed(notification(inbox.nowMs));
  inbox.failures = 1;
  await expect(inbox.receive(message)).rejects.toThrow("the disk is full");
  await Promise.all([inbox.receive(message), inbox.receive(message)]);
  inbox.nowMs += 3_500_000;
  await inbox.receive(message);
  inbox.nowMs += 200_000;
  await expect(inbox.receive(message)).rejects.toThrow("within an hour");
  expect(inbox.events).toHaveLength(1);
  expect(inbox.events[0]).toMatchObject({
    source: "alarms",
    "event.id": message.MessageId,
    message: "My subject: Hello world!",
    "data_stream.dataset": "aws.sns",
    "aws.sns.topic_arn": TOPIC,
    "cloud.account.id": "123456789012",
  });
});

test("a subscription is confirmed once, and its end is an event that requests nothing", async () => {
  const inbox = new Inbox();
  const begin = signed(confirmation(inbox.nowMs));
  await inbox.receive(begin);
  await inbox.receive(begin);
  expect(inbox.requested.filter((url) => url.includes("ConfirmSubscription"))).toHaveLength(1);
  const { MessageId: _, ...end } = confirmation(inbox.nowMs, "UnsubscribeConfirmation");
  await inbox.receive(signed({ ...end, MessageId: "another" }));
  expect(inbox.requested).toHaveLength(2);
  expect(inbox.events.map((it) => [it["event.action"], it["log.level"]])).toEqual([
    ["subscription-confirmed", "info"],
    ["unsubscribed", "warn"],
  ]);
});

test("refused messages are counted with the reason, and too many of one address are not examined", async () => {
  const inbox = new Inbox();
  const message = { ...signed(notification(inbox.nowMs)), Message: "changed" };
  const codes: string[] = [];
  for (let n = 0; n < 150; n += 1) {
    await inbox.receive(message).catch((error: AppError) => codes.push(error.code));
  }
  expect(codes.slice(0, 100).every((code) => code === "forbidden")).toBe(true);
  expect(codes.at(-1)).toBe("too_many_requests");
  expect(inbox.activity.streams).toMatchObject([
    { protocol: "sns", stream: TOPIC, refused: 100, refusal: "its signature is wrong" },
  ]);
});

test("the routes take raw messages of allowed topics with a token only, and state why others are refused", async () => {
  await using receivers = await testReceivers();
  const file = `sources:\n  - id: alarms\n    kind: sns\n    topics: ["${TOPIC}"]\n`;
  await writeFile(join(receivers.dataFolder, "sources.yaml"), file);
  const raw = {
    "x-amz-sns-rawdelivery": "true",
    "x-amz-sns-topic-arn": TOPIC,
    "x-amz-sns-message-id": "m1",
    "content-type": "text/plain; charset=UTF-8",
  };
  const alarm = JSON.stringify({ AlarmName: "cpu", NewStateValue: "ALARM", NewStateReason: "hot" });
  const post = (path: string, headers: Record<string, string>, as?: string) =>
    receivers.send("POST", path, { headers, body: alarm, ...(as !== undefined && { as }) });
  await expect.poll(async () => (await post("/sns/raw", raw)).status).toBe(204);
  expect((await post("/sns/raw", raw)).status).toBe(204);
  const refused = [
    await post("/sns/raw", raw, ""),
    await post("/sns/raw", { ...raw, "x-amz-sns-topic-arn": `${TOPIC}2` }),
    await post("/sns", raw, ""),
    await post("/sns", { "content-type": "text/plain" }, ""),
  ];
  expect(refused.map(({ status }) => status)).toEqual([401, 403, 403, 403]);
  expect(refused[3]?.text).toContain("not a message of SNS");
  expect(await receivers.stored(1)).toMatchObject([
    { message: "Alarm cpu is ALARM: hot", "event.outcome": "failure", "rule.name": "cpu" },
  ]);
});
