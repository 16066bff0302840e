import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";

import { describe, expect, onTestFinished, test } from "vitest";

import type { Source, SourceId } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { messagePortChannel } from "#platform/channel/message-port-channel.ts";
import { followChannels, listenForChannels } from "#platform/channel/sockets.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { Ingest } from "../ingest/ingest.ts";
import { warmLiveWindow } from "../live/warm-live-window.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { type ControlEnd, type IndexerEnd, liveAddress, NO_STATUS } from "./messages.ts";
import { LivePublisher } from "./publisher.ts";
import { LiveSubscriber } from "./subscriber.ts";

const DATASET = "nginx.access";
const NEVER_MS = 3_600_000;

type Connect = (publisher: LivePublisher, subscriber: LiveSubscriber) => Promise<{ close(): void }>;

function lineNow(page: string): string {
  const [, day, month, year, time] = new Date(clock.nowMs()).toUTCString().split(" ");
  return `198.51.100.7 - - [${day}/${month}/${year}:${time} +0000] "GET ${page} HTTP/1.1" 200 12 "-" "Test/1"\n`;
}

/** A stream to which the test appends; read from the stored position on. */
class Lines implements Source {
  readonly id: SourceId;
  #text = "";

  constructor(name: string) {
    this.id = `src_${name}`;
  }

  write(count: number, page = "/page"): void {
    this.#text += lineNow(page).repeat(count);
  }

  async *read(
    positions: Parameters<Source["read"]>[0],
    signal: AbortSignal,
  ): ReturnType<Source["read"]> {
    let offset = Number((await positions()).get(this.id)?.["offset"] ?? 0);
    while (!signal.aborted) {
      const bytes = Buffer.from(this.#text).subarray(offset);
      if (bytes.length > 0) {
        const end = offset + bytes.length;
        const position = { offset: end };
        yield { sourceId: this.id, path: "", bytes, offset, position, bytesSkipped: 0 };
        offset = end;
      }
      await delay(5, undefined, { signal }).catch(() => undefined);
    }
  }
}

type Indexer = { lines: Lines; publisher: LivePublisher; stop(): Promise<void> };

function startIndexer(
  store: EventStore,
  lines: Lines,
  { sealAfterMs = NEVER_MS, publisher = new LivePublisher(clock) } = {},
): Indexer {
  const stopping = new AbortController();
  const ingest = new Ingest({
    store,
    clock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs,
    foldEveryMs: 10,
    onFrames: (deltas) => publisher.frames(deltas),
    onRows: (batch, from, to) => publisher.rows(batch, from, to),
    onSealed: (sealed) => publisher.sealed(sealed),
  });
  const running = ingest.run(lines, stopping.signal);
  running.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running.catch(() => undefined);
  };
  onTestFinished(stop);
  return { lines, publisher, stop };
}

async function openControl(store: EventStore, onRenewed = () => {}): Promise<LiveSubscriber> {
  const subscriber = await LiveSubscriber.open({
    clock,
    log: silentLog(),
    warmUp: (live) => warmLiveWindow(live, store, clock.nowMs()),
    onFrames: () => undefined,
    onSealed: () => undefined,
    onRenewed,
  });
  onTestFinished(() => subscriber.settled());
  return subscriber;
}

/** A publisher whose channels the test can make congested. */
function congestiblePublisher(): {
  publisher: LivePublisher;
  congestion: { isCongested: boolean };
} {
  const publisher = new LivePublisher(clock);
  const congestion = { isCongested: false };
  const attach = publisher.attach.bind(publisher);
  publisher.attach = (channel) =>
    attach(Object.create(channel, { isCongested: { get: () => congestion.isCongested } }));
  return { publisher, congestion };
}

const requestsOf = ({ live }: LiveSubscriber): number =>
  live.snapshot(DATASET).seconds.reduce((sum, second) => sum + (second["requests"] ?? 0), 0);

function testLink(connect: Connect): void {
  test("two control planes count the events of two indexers, whenever they connect", async () => {
    const store = openMemoryStore()();
    const early = await openControl(store);
    const first = startIndexer(store, new Lines("a"), { sealAfterMs: 50 });
    const second = startIndexer(store, new Lines("b"));
    for (const { publisher } of [first, second]) await connect(publisher, early);
    first.lines.write(30);
    second.lines.write(5);
    await expect.poll(() => requestsOf(early)).toBe(35);
    await expect.poll(async () => (await store.status()).rows).toBeGreaterThanOrEqual(30);
    let renewed = 0;
    const late = await openControl(store, () => (renewed += 1));
    for (const { publisher } of [first, second]) await connect(publisher, late);
    await expect.poll(() => requestsOf(late)).toBe(35);
    await expect.poll(() => renewed).toBeGreaterThan(0);
    first.lines.write(2);
    second.lines.write(4);
    for (const control of [early, late]) {
      await expect.poll(() => requestsOf(control)).toBe(41);
    }
    await first.stop();
    await second.stop();
    for (const control of [early, late, await openControl(store)]) {
      await control.settled();
      expect(requestsOf(control)).toBe(41);
    }
  });

  test("events that an indexer had not stored when it died are counted once after the next one has read them", async () => {
    const store = openMemoryStore()();
    const control = await openControl(store);
    const lines = new Lines("a");
    const append = Promise.withResolvers<never>();
    const hanging = {
      ...store,
      positions: () => store.positions(),
      extents: () => store.extents(),
      append: () => append.promise,
    };
    const dying = startIndexer(hanging, lines, { sealAfterMs: 10 });
    onTestFinished(() => append.reject(new Error("the store has gone")));
    const link = await connect(dying.publisher, control);
    lines.write(10);
    await expect.poll(() => requestsOf(control)).toBe(10);
    link.close();
    await expect.poll(() => requestsOf(control)).toBe(0);
    const next = startIndexer(store, lines);
    await connect(next.publisher, control);
    await expect.poll(() => requestsOf(control)).toBe(10);
  });

  test("a slow control plane misses frames, and counts them when it has caught up", async () => {
    const store = openMemoryStore()();
    const control = await openControl(store);
    const { publisher, congestion } = congestiblePublisher();
    await connect(publisher, control);
    const other = await openControl(store);
    const indexer = startIndexer(store, new Lines("a"), { sealAfterMs: 50, publisher });
    indexer.lines.write(3);
    await expect.poll(() => requestsOf(control)).toBe(3);
    congestion.isCongested = true;
    indexer.lines.write(40);
    await expect.poll(async () => (await store.status()).rows).toBe(43);
    expect(requestsOf(control)).toBe(3);
    congestion.isCongested = false;
    indexer.lines.write(1);
    await expect.poll(() => requestsOf(control)).toBe(44);
    expect(requestsOf(other)).toBe(0);
  });

  test("a control plane that missed only other messages counts the frames once", async () => {
    const store = openMemoryStore()();
    const control = await openControl(store);
    const { publisher, congestion } = congestiblePublisher();
    await connect(publisher, control);
    const indexer = startIndexer(store, new Lines("a"), { publisher });
    indexer.lines.write(3);
    await expect.poll(() => requestsOf(control)).toBe(3);
    const status = NO_STATUS;
    congestion.isCongested = true;
    publisher.status({ ...status, lines: 1 });
    congestion.isCongested = false;
    publisher.status({ ...status, lines: 2 });
    await expect.poll(() => control.status().lines).toBe(2);
    await control.settled();
    expect(requestsOf(control)).toBe(3);
  });

  test("each control plane gets the followed events from every indexer until it stops following", async () => {
    const store = openMemoryStore()();
    const controls = [await openControl(store), await openControl(store)];
    const indexers = ["a", "b"].map((name) => startIndexer(store, new Lines(name)));
    const seen: string[][] = [[], []];
    const stops = controls.map((control, index) =>
      control.tail([{ field: "url.path", op: "eq", value: `/page-${index}` }], (events) =>
        seen[index]?.push(...events.map(({ fields }) => String(fields["url.path"]))),
      ),
    );
    for (const control of controls) {
      for (const { publisher } of indexers) await connect(publisher, control);
    }
    const write = (): void => {
      for (const { lines } of indexers)
        for (const index of [0, 1]) lines.write(1, `/page-${index}`);
    };
    await expect.poll(() => (write(), seen.map(({ length }) => length > 1))).toEqual([true, true]);
    for (const [index, paths] of seen.entries()) {
      expect(new Set(paths)).toEqual(new Set([`/page-${index}`]));
    }
    stops[0]?.();
    const growsAlone = async (): Promise<boolean> => {
      const [stopped = 0, following = 0] = seen.map(({ length }) => length);
      await expect.poll(() => (write(), seen[1]?.length ?? 0)).toBeGreaterThan(following + 1);
      return seen[0]?.length === stopped;
    };
    await expect.poll(growsAlone).toBe(true);
  });

  test("the status covers all indexers, or the last one if none is connected", async () => {
    const store = openMemoryStore()();
    const control = await openControl(store);
    expect(control.status()).toMatchObject({ indexers: 0, lines: 0, storeError: null });
    const publishers = [new LivePublisher(clock), new LivePublisher(clock)];
    const links: { close(): void }[] = [];
    for (const [index, publisher] of publishers.entries()) {
      links.push(await connect(publisher, control));
      publisher.status({
        ...NO_STATUS,
        lines: 10 + index,
        quarantined: index,
        sources: [{ path: `/var/log/${index}`, message: "read", level: "info" }],
        storeError: index === 1 ? "disk full" : null,
        storeProblems: [{ id: `${index}`, kind: "upkeep", message: "cannot be merged" }],
        storeFailures: 2,
      });
    }
    await expect.poll(() => control.status().indexers).toBe(2);
    expect(control.status()).toMatchObject({ lines: 21, quarantined: 1, storeError: "disk full" });
    expect(control.status().sources).toHaveLength(2);
    expect(control.status().storeProblems.map(({ id }) => id)).toEqual(["0", "1"]);
    expect(control.status().storeFailures).toBe(4);
    links[1]?.close();
    await expect.poll(() => control.status().indexers).toBe(1);
    expect(control.status()).toMatchObject({ lines: 10, storeError: null });
    links[0]?.close();
    await expect.poll(() => control.status().indexers).toBe(0);
    expect(control.status()).toMatchObject({ lines: 10, quarantined: 0 });
  });
}

describe("in threads", () => {
  testLink(async (publisher, subscriber) => {
    const { port1, port2 } = new MessageChannel();
    publisher.attach(messagePortChannel(port1));
    subscriber.attach(messagePortChannel(port2));
    onTestFinished(() => port1.close());
    return port1;
  });
});

describe("in processes", () => {
  testLink(async (publisher, subscriber) => {
    const dataFolder = await mkdtemp(path.join(tmpdir(), "quarterdeck link "));
    const address = liveAddress(dataFolder);
    const here = Promise.withResolvers<ControlEnd>();
    const there = Promise.withResolvers<IndexerEnd>();
    const listening = await listenForChannels(address, there.resolve);
    const following = followChannels(address, here.resolve);
    const [indexerEnd, controlEnd] = [await there.promise, await here.promise];
    publisher.attach(indexerEnd);
    subscriber.attach(controlEnd);
    onTestFinished(async () => {
      await following[Symbol.asyncDispose]();
      await listening[Symbol.asyncDispose]();
      await rm(dataFolder, { recursive: true, force: true });
    });
    return {
      close() {
        void following[Symbol.asyncDispose]();
      },
    };
  });
});
