import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import { snsKind } from "#collectors/sources/sns.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";
import { AppError } from "#platform/errors.ts";

import { Activity } from "../activity/activity.ts";
import { testReceivers } from "../testing.ts";
import { RecentIds } from "./recent-ids.ts";
import { RECENT_MESSAGES, SnsInbox } from "./sns-inbox.ts";
import type { SnsMessage } from "./sns-message.ts";
import {
  CERTIFICATE_URL,
  confirmation,
  notification,
  OTHER_KEY,
  signed,
  SNS_CERTIFICATE,
  TOPIC,
} from "./testing-sns.ts";

const ALLOWED: ConfiguredSource = {
  id: "alarms",
  kind: snsKind,
  format: undefined,
  properties: { topics: [TOPIC] },
};

/** What outlives a process. */
class Disk {
  readonly records: BusRecord[] = [];
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Disk> {
    const folder = await mkdtemp(join(tmpdir(), "quarterdeck sns "));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return new Disk(folder);
  }
}

class Inbox {
  nowMs = Date.UTC(2026, 10, 20, 1);
  readonly requested: string[] = [];
  readonly events: Record<string, unknown>[] = [];
  /** Requests and appends that fail next. */
  failures = 0;
  readonly clock = { nowMs: () => this.nowMs };
  readonly activity = new Activity(this.clock, (text) => text);
  readonly #disk: Disk;
  #inbox: SnsInbox | undefined;

  private constructor(disk: Disk) {
    this.#disk = disk;
  }

  static async open(disk?: Disk): Promise<Inbox> {
    const inbox = new Inbox(disk ?? (await Disk.create()));
    await inbox.#open();
    return inbox;
  }

  async #open(): Promise<void> {
    const { records, folder } = this.#disk;
    const recent = await RecentIds.open(RECENT_MESSAGES, {
      bus: {
        async *recent() {
          yield* records;
        },
      },
      file: join(folder, "receivers", "sns-messages"),
      clock: this.clock,
    });
    this.#inbox = new SnsInbox({
      activity: this.activity,
      clock: this.clock,
      sources: () => [ALLOWED],
      get: async (url) => {
        this.requested.push(url);
        return url === CERTIFICATE_URL ? SNS_CERTIFICATE : "<ConfirmSubscriptionResponse/>";
      },
      bus: { append: async (...appended) => this.#append(appended) },
      recent,
    });
  }

  async receive(message: SnsMessage): Promise<void> {
    await this.#inbox?.receive(JSON.stringify(message), "203.0.113.9");
  }

  async receiveRaw(messageId: string): Promise<void> {
    await this.#inbox?.receiveRaw({ topicArn: TOPIC, messageId, body: "hello" }, "203.0.113.9");
  }

  #append(records: readonly BusRecord[]): void {
    this.failures -= 1;
    if (this.failures >= 0) throw new AppError("unavailable", "the disk is full");
    this.#disk.records.push(...records);
    for (const { header, lines } of records) {
      const text = Buffer.from(lines).toString().trim();
      for (const line of text.split("\n")) this.events.push({ ...header, ...JSON.parse(line) });
    }
  }
}

test("a message is kept once, also if it comes again after restarts, whether it is still on the bus or not", async () => {
  const disk = await Disk.create();
  const first = await Inbox.open(disk);
  const message = signed(notification(first.nowMs));
  await first.receive(message);
  await first.receiveRaw("raw");
  for (const removed of [0, 1, 2]) {
    disk.records.splice(0, removed);
    const next = await Inbox.open(disk);
    await next.receive(message);
    await next.receiveRaw("raw");
    await next.receiveRaw(`another ${removed}`);
    expect(next.events).toHaveLength(1);
  }
  await rm(join(disk.folder, "receivers", "sns-messages"));
  const onBus = await Inbox.open(disk);
  await onBus.receiveRaw("another 2");
  expect(onBus.events).toEqual([]);
  await expect(onBus.receiveRaw("")).rejects.toThrow("x-amz-sns-message-id");
});

test("the file of the messages stays small, and knows the latest ones", async () => {
  const folder = (await Disk.create()).folder;
  const file = join(folder, "ids");
  const clock = { nowMs: () => 1_000_000 };
  const bus = {
    async *recent() {
      yield* [];
    },
  };
  const bounds = { idsMax: 10, msMax: 1_000, scope: "sns" };
  const kept: string[] = [];
  const once = (recent: RecentIds, id: string) => recent.once(id, async () => void kept.push(id));
  const recent = await RecentIds.open(bounds, { bus, file, clock });
  for (let n = 0; n < 1_000; n += 1) await once(recent, String(n));
  expect((await stat(file)).size).toBeLessThanOrEqual(2 * 10 * 16);
  recent.close();
  const later = await RecentIds.open(bounds, { bus, file, clock });
  for (let n = 990; n < 1_001; n += 1) await once(later, String(n));
  expect(kept).toHaveLength(1_001);
  later.close();
});

test("a message is kept once, though it is delivered and replayed repeatedly", async () => {
  const inbox = await Inbox.open();
  const message = signed(notification(inbox.nowMs));
  inbox.failures = 1;
  await expect(inbox.receive(message)).rejects.toThrow("the disk is full");
  await Promise.all([inbox.receive(message), inbox.receive(message)]);
  inbox.nowMs += 3_500_000;
  await inbox.receive(message);
  inbox.nowMs += 200_000;
  await expect(inbox.receive(message)).rejects.toThrow("within an hour");
  expect(inbox.events.map((it) => it["event.kind"])).toEqual(["event", "alert"]);
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
  const inbox = await Inbox.open();
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
  const inbox = await Inbox.open();
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
  expect(inbox.events).toHaveLength(10);
  inbox.nowMs += 60_000;
  await inbox.receive(message).catch(() => undefined);
  expect(inbox.events.at(-1)?.["message"]).toMatch(/90 more since/);
});

test("forged messages are events that rules can alert on", async () => {
  const inbox = await Inbox.open();
  const good = notification(inbox.nowMs);
  const begin = confirmation(inbox.nowMs);
  const url = (host: string) =>
    begin.Type === "Notification"
      ? ""
      : begin.SubscribeURL.replace("sns.eu-west-1.amazonaws.com", host);
  const forged: [fault: string, reason: RegExp, message: SnsMessage][] = [
    ["signature", /its signature is wrong/, signed(good, OTHER_KEY)],
    ["topic", /not in the list/, signed({ ...good, TopicArn: `${TOPIC}2` })],
    ["time", /within an hour/, signed(notification(inbox.nowMs - 7_200_000))],
    [
      "certificate_url",
      /host evil\.example/,
      signed({ ...good, SigningCertURL: "https://evil.example/SimpleNotificationService-0.pem" }),
    ],
    ...["127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254"].map(
      (host): [string, RegExp, SnsMessage] => [
        "subscribe_url",
        RegExp(`host ${host.replaceAll(/[[\].]/g, String.raw`\$&`)}`),
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the URL differs
        signed({ ...begin, SubscribeURL: url(host) } as SnsMessage),
      ],
    ),
  ];
  for (const [, reason, message] of forged) {
    await expect(inbox.receive(message)).rejects.toThrow(reason);
  }
  expect(inbox.requested).toEqual([CERTIFICATE_URL]);
  expect(inbox.events).toHaveLength(forged.length);
  for (const [n, [fault, reason]] of forged.entries()) {
    expect(inbox.events[n]).toMatchObject({
      "data_stream.dataset": "aws.sns",
      "event.kind": "alert",
      "event.code": fault,
      "event.reason": expect.stringMatching(reason),
      "source.address": "203.0.113.9",
    });
  }
  expect(inbox.events.map(({ source }) => source)).toEqual([
    "alarms",
    undefined,
    ...Array.from({ length: 6 }, () => "alarms"),
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
  const kept = async () =>
    (await receivers.events()).filter((it) => it["event.action"] !== "message-refused");
  await expect
    .poll(kept, { timeout: 30_000 })
    .toMatchObject([
      { message: "Alarm cpu is ALARM: hot", "event.outcome": "failure", "rule.name": "cpu" },
    ]);
});
