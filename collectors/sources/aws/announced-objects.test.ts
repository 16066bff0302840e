import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

import { expect, test } from "vitest";

import type { Position, SourceId } from "#collectors/source.ts";

import type { QueueApi, QueueMessage } from "./queue-api.ts";
import { type S3Api, UnreadableObject } from "./s3-api.ts";
import { S3Source } from "./s3-source.ts";

const SUBSCRIPTION =
  '{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[]}';

const created = (key: string): string =>
  JSON.stringify({
    Records: [
      {
        eventSource: "aws:s3",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: "logs" }, object: { key, size: 10, eTag: "e" } },
      },
    ],
  });

/** A queue that hands out its messages once to each process, and objects of which some may not be read. */
class Account {
  readonly bodies: string[] = [];
  readonly removed = new Set<string>();
  readonly denied = new Set<string>();
  readonly positions = new Map<SourceId, Position>();
  readonly lines: string[] = [];
  atOnceMax = 0;
  #open = 0;

  /** A process that stores everything, until all messages were handed out and the removable ones are removed. */
  async read(): Promise<void> {
    const stop = new AbortController();
    const source = new S3Source(
      {
        place: { bucket: undefined, queue: "https://sqs.example/logs" },
        prefix: "",
        fromMs: 0,
        listEveryMs: 1,
        visibilitySeconds: 60,
        clock: { nowMs: () => 0 },
      },
      { s3: this.#s3(), queue: this.#queue(() => stop.abort()) },
    );
    for await (const chunk of source.read(async () => this.positions, stop.signal)) {
      const lines = Buffer.from(chunk.bytes).toString().split("\n");
      this.lines.push(...lines.filter((line) => line !== ""));
      this.positions.set(chunk.sourceId, chunk.position);
    }
    await source[Symbol.asyncDispose]();
  }

  #queue(onEmpty: () => void): QueueApi {
    const rest = this.bodies.filter((body) => !this.removed.has(body));
    return {
      receive: async ({ waitSeconds }) => {
        const batch = rest.splice(0, 10);
        if (batch.length === 0 && waitSeconds > 0) onEmpty();
        return batch.map((body): QueueMessage => ({ body, receipt: body }));
      },
      hide: async () => undefined,
      remove: async (receipts) => {
        for (const receipt of receipts) this.removed.add(receipt);
        return [...receipts];
      },
      waiting: async () => 0,
      close: () => undefined,
    };
  }

  #s3(): S3Api {
    return {
      get: async ({ key }) => {
        if (this.denied.has(key)) throw new UnreadableObject("may not be read", "denied");
        this.#open += 1;
        this.atOnceMax = Math.max(this.atOnceMax, this.#open);
        await setImmediate();
        const bytes = Buffer.from(`line of ${key}\n`);
        const body = Readable.from([bytes]);
        body.on("close", () => {
          this.#open -= 1;
        });
        return { etag: "e", size: bytes.length, metadata: {}, body };
      },
      list: async () => ({ objects: [], isLast: true }),
      close: () => undefined,
    };
  }
}

test("objects are requested in parallel, a bounded number at a time, and read in order", async () => {
  const account = new Account();
  const keys = Array.from({ length: 300 }, (_, n) => `k${n}`);
  account.bodies.push(...keys.map(created));
  await account.read();
  expect(account.lines).toEqual(keys.map((key) => `line of ${key}`));
  expect(account.removed.size).toBe(300);
  expect(account.atOnceMax).toBeGreaterThan(8);
  expect(account.atOnceMax).toBeLessThan(40);
});

test("logs in a message are stored once, though they are sent and read again", async () => {
  const account = new Account();
  account.bodies.push(SUBSCRIPTION, JSON.stringify(JSON.parse(SUBSCRIPTION), undefined, 1));
  await account.read();
  expect(account.lines).toEqual([SUBSCRIPTION]);
  expect(account.removed.size).toBe(2);
});

test("a message that is not understood and an object that may not be read stay, and are one event each", async () => {
  const account = new Account();
  account.bodies.push("no notification", created("secret"), created("open"));
  account.denied.add("secret");
  await account.read();
  await account.read();
  expect([...account.removed]).toEqual([created("open")]);
  const events = account.lines.filter((line) => line.startsWith("{"));
  expect(events.map((line) => JSON.parse(line))).toMatchObject([
    {
      "event.kind": "alert",
      "event.action": "message-refused",
      "event.original": "no notification",
    },
    {
      "event.kind": "alert",
      "event.action": "object-access-denied",
      "file.path": "s3://logs/secret",
    },
  ]);
});
