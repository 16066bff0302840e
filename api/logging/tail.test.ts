import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { batchOf, positionsAt } from "#pipeline/store/contract.ts";
import { systemClock } from "#platform/clock.ts";
import type { Caller } from "#platform/http/caller.ts";
import { silentLog } from "#platform/log.ts";
import { openCurrentStore } from "#server/open-current-store.ts";

import { followLogs, type Message } from "./commands/follow-logs.ts";
import { createTailHub } from "./commands/tail-hub.ts";
import { testLogging, type TestLogging } from "./testing.ts";

type Read = { id: string | undefined; event: string; data: string };

/** A reader of the stream, like a browser's EventSource. */
class Reader {
  readonly messages: Read[] = [];
  readonly #stop = new AbortController();

  async open(
    service: TestLogging,
    options: { as: string; q?: string; after?: string },
  ): Promise<this> {
    const url = new URL(`/v1/tail?q=${encodeURIComponent(options.q ?? "")}`, service.url);
    const response = await fetch(url, {
      signal: this.#stop.signal,
      headers: {
        authorization: `Bearer ${options.as}`,
        ...(options.after === undefined ? {} : { "last-event-id": options.after }),
      },
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/event-stream",
    ]);
    const body = response.body;
    if (body) void this.#read(body).catch(() => undefined);
    return this;
  }

  isEnded = false;

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of body) {
      text += decoder.decode(part, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
        const event = field("event");
        if (event) this.messages.push({ id: field("id"), event, data: field("data") ?? "" });
      }
    }
    this.isEnded = true;
  }

  /** The messages of the events, once there are this many. */
  async messagesOf(count: number): Promise<string[]> {
    await expect
      .poll(() => this.messages.length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(count);
    return this.messages.map(({ data }) => String(JSON.parse(data).fields?.message));
  }

  close(): void {
    this.#stop.abort();
  }
}

/** A store and its readers, without HTTP between them. */
async function openTail() {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck tail "));
  const stores = openCurrentStore({ dataFolder, clock: systemClock });
  const tails = createTailHub({ stores, log: silentLog() });
  const { signal } = new AbortController();
  return {
    stores,
    tails,
    /** Reads with these permissions; default: root. */
    follow(permissions?: readonly string[]) {
      const caller: Caller = {
        kind: permissions === undefined ? "root" : "account",
        id: "",
        sessionId: "",
        permissions: new Set(permissions),
        address: "",
      };
      const nowMs = systemClock.nowMs();
      return followLogs({ stores, tails }, { where: [], caller, after: undefined, nowMs, signal });
    },
    async [Symbol.asyncDispose]() {
      await tails[Symbol.asyncDispose]();
      await stores[Symbol.asyncDispose]();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

const push = async (service: TestLogging, dataset: string, message: string): Promise<void> => {
  service.clock.now += 10;
  const body = { "data_stream.dataset": dataset, message };
  const { status } = await service.send("POST", "/v1/logs", { as: service.root, body });
  expect(status).toBe(202);
};

test("a reader gets new matching events of their datasets, and after a reconnect the missed ones, each once", async () => {
  await using service = await testLogging();
  await push(service, "shop.a", "before");
  const as = await service.token({ scope: "logging:logs:read/shop.*" });
  const reader = await new Reader().open(service, { as, q: "message:*" });
  const filtered = await new Reader().open(service, { as: service.root, q: "two" });
  await push(service, "shop.a", "one");
  await push(service, "bank.a", "secret two");
  await push(service, "shop.b", "two");
  // Events pushed earlier may be stored after the reader connected; they count as new.
  const messages = await reader.messagesOf(2);
  await expect.poll(() => reader.messages.at(-1)?.data, { timeout: 20_000 }).toContain('"two"');
  expect(messages.find((it) => it !== "before")).toBe("one");
  expect(await filtered.messagesOf(2)).toEqual(["secret two", "two"]);
  const one = reader.messages.find(({ data }) => data.includes('"one"'));
  reader.close();
  filtered.close();
  await push(service, "shop.a", "three");
  const again = await new Reader().open(service, { as, after: one?.id ?? "" });
  await push(service, "shop.a", "four");
  expect(await again.messagesOf(3)).toEqual(["two", "three", "four"]);
  again.close();
}, 60_000);

test("many readers share one follower, and an invalid event id is refused", async () => {
  await using service = await testLogging();
  const as = service.root;
  const bad = await service.send("GET", "/v1/tail", { as, headers: { "last-event-id": "x" } });
  expect(bad.status).toBe(400);
  const readers = await Promise.all(
    Array.from({ length: 20 }, () => new Reader().open(service, { as })),
  );
  await push(service, "a", "to all");
  for (const reader of readers) expect(await reader.messagesOf(1)).toEqual(["to all"]);
  for (const reader of readers) reader.close();
}, 60_000);

test("a stream ends when its token expires", async () => {
  await using service = await testLogging();
  const as = await service.token({ scope: "logging:logs:read/shop.*", expiresInS: 1 });
  const reader = await new Reader().open(service, { as });
  await expect.poll(() => reader.isEnded, { timeout: 20_000 }).toBe(true);
}, 60_000);

test("skipped events are reported for the reader's own datasets only", async () => {
  await using tail = await openTail();
  const own = await tail.follow(["logging:logs:read/shop.*"]);
  const other = await tail.follow(["logging:logs:read/bank.*"]);
  const store = await tail.stores.get();
  const event = (dataset: string, n: number) => ({
    "data_stream.dataset": dataset,
    "log.offset": n,
  });
  const shop = Array.from({ length: 1_500 }, (_, n) => event("shop.a", n + 10));
  await store.append(batchOf([event("bank.a", 1), ...shop]), [], positionsAt(1));
  const messagesOf = async (from: AsyncIterator<Message>, count: number) => {
    const values: Message[] = [];
    while (values.length < count) values.push((await from.next()).value);
    return values;
  };
  const received = await messagesOf(own, 1_001);
  expect(received.at(-1)).toEqual({ event: "skipped", data: { events: 500 } });
  expect(await messagesOf(other, 1)).toEqual([{ event: "skipped", data: { events: 1 } }]);
  await store.append(batchOf(shop), [], positionsAt(2));
  await store.append(
    batchOf([{ ...event("bank.a", 2), "@timestamp": systemClock.nowMs() }]),
    [],
    positionsAt(3),
  );
  expect(await messagesOf(other, 1)).toMatchObject([{ event: "log" }]);
}, 60_000);

test("a reader that is too slow is disconnected, and gets `dropped` when it reads again", async () => {
  await using tail = await openTail();
  const { stores, tails } = tail;
  const slow = await tail.follow();
  let seen = 0;
  const leave = await tails.add((events, skipped) => {
    seen += events.length;
    for (const rows of skipped.values()) seen += rows;
  });
  const store = await stores.get();
  for (let i = 0; i < 5; i += 1) {
    const events = Array.from({ length: 700 }, (_, n) => ({ "log.offset": i * 1_000 + n }));
    await store.append(batchOf(events), [], positionsAt(i));
    await expect.poll(() => seen, { timeout: 20_000 }).toBe((i + 1) * 700);
  }
  leave();
  expect(await slow.next()).toMatchObject({ value: { event: "dropped" } });
  expect(await slow.next()).toEqual({ value: undefined, done: true });
  expect(tails.viewers).toBe(0);
}, 60_000);
