import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Batch } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import type { RecordHeader, Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryBus } from "../bus/memory-bus.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const EVENTS = [
  "[Sat Mar 14 10:11:12 2026] [error] [client 203.0.113.9] first",
  "[Sat Mar 14 10:11:13 2026] [error] [client 203.0.113.9] second\n  at main.pl line 4\n  at lib.pl line 9",
  "[Sat Mar 14 10:11:14 2026] [notice] third\n  and its rest",
  "[Sat Mar 14 10:11:15 2026] [notice] fourth",
];
const LOG = EVENTS.map((event) => `${event}\n`).join("");

const DEPS = {
  clock: systemClock,
  rules: { signIn: [], signOut: [] },
  zone: UTC,
  sealAfterMs: 60_000,
  foldEveryMs: 1_000,
};

/** A source that yields the log from the stored position on, split after the given line ends. */
const sourceOf = (log: string, cuts: readonly number[]): Source =>
  logSource({ path: "/var/log/apache2/error.log" }, log, cuts);

function lineEnds(log: string): number[] {
  return [...log.matchAll(/\n/g)].map(({ index }) => index + 1);
}

async function ingested(
  source: Source,
): Promise<{ ingest: Ingest; messages: { offset: unknown; message: unknown }[] }> {
  const messages: { offset: unknown; message: unknown }[] = [];
  const ingest = new Ingest({
    ...DEPS,
    store: openMemoryStore()(),
    onRows(batch: Batch, from, to) {
      for (let row = from; row < to; row += 1) {
        const { message, "log.offset": offset } = toDocument(batch, row);
        messages.push({ offset, message });
      }
    },
  });
  await ingest.run(source, new AbortController().signal);
  return { ingest, messages };
}

test.each([
  ["LF", LOG],
  ["CRLF and empty lines", LOG.replaceAll("\n", "\r\n\r\n")],
])("an event is complete wherever chunks split its lines, with %s", async (_lineEnds, log) => {
  const whole = await ingested(sourceOf(log, []));
  const lines = whole.messages.map(
    ({ message }) =>
      String(message)
        .split("\n")
        .filter((line) => line.trim() !== "").length,
  );
  expect(lines).toEqual([1, 3, 2, 1]);
  await fc.assert(
    fc.asyncProperty(fc.subarray(lineEnds(log)), async (cuts) => {
      const { messages, ingest } = await ingested(sourceOf(log, cuts));
      expect(messages).toEqual(whole.messages);
      expect(ingest.counts).toMatchObject({ lines: 4, events: 4, bytes: log.length });
    }),
    { numRuns: 8 },
  );
});

test("the status of a source has its events by dataset, the number of its latest quarantined lines, and the reason", async () => {
  const line =
    '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "Probe/1.0"\n';
  const log = `${line.repeat(8)}{"level":"info\n${line}`;
  const { ingest } = await ingested(sourceOf(log, []));
  const path = "/var/log/apache2/error.log";
  const [status] = ingest.statusWith([{ path, level: "info", message: "read" }]);
  expect(status).toMatchObject({ path, level: "warning" });
  expect(status?.message).toMatch(
    /^read; events by dataset: apache.access 9, quarterdeck.quarantine 1; 1 of its last 10 lines are in quarantine, the latest because: ./,
  );
  expect(ingest.counts).toMatchObject({ lines: 10, events: 9, quarantined: 1 });
});

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "Probe/1.0"\n';

/** Pushes each line with its header, and returns the stored events when the bus was read to its end. */
async function stored(records: readonly { header: RecordHeader; text: string }[]) {
  await using bus = openMemoryBus()();
  for (const { header, text } of records) await bus.append({ header, lines: Buffer.from(text) });
  await using store = openMemoryStore()();
  const stop = new AbortController();
  const ingest = new Ingest({
    ...DEPS,
    store,
    onProgress: ({ lines }) => lines === records.length && stop.abort(),
  });
  await ingest.run(bus, stop.signal);
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [], limit: 100 };
  return (await store.search(all)).map(({ fields }) => fields).toReversed();
}

test("lines of several formats can be pushed together, each with the fields of its sender", async () => {
  const apache = "[Sat Mar 14 10:11:13 2026] [error] [client 203.0.113.9] first\n";
  const from = (host: string) => ({ "host.name": host, "log.syslog.appname": "web" });
  const document = '{"@timestamp":"2026-03-14T10:11:14Z","message":"own","host.name":"own"}\n';
  const events = await stored([
    { header: { format: "nginx.access", fields: from("a") }, text: ACCESS },
    { header: { format: "apache.error", dataset: "shop.error", fields: from("b") }, text: apache },
    { header: { format: "ecs", dataset: "shop.app", fields: from("c") }, text: document },
    { header: { format: "no.such", fields: from("d") }, text: "x\n" },
    { header: { fields: from("e") }, text: ACCESS.replace(":12 ", ":16 ") },
  ]);
  const found = events.map((it) => [it["data_stream.dataset"], it["host.name"]]);
  expect(found.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
    ["nginx.access", "a"],
    ["nginx.access", "e"],
    ["quarterdeck.quarantine", "d"],
    ["shop.app", "own"],
    ["shop.error", "b"],
  ]);
  expect(events.map((it) => it["log.syslog.appname"])).toEqual(Array(5).fill("web"));
  const quarantined = events.find((it) => it["host.name"] === "d");
  expect(quarantined?.["error.message"]).toBe("the format no.such is unknown");
  expect(events[0]).toMatchObject({ "source.address": "203.0.113.9" });
});

test("lines of a revoked stream are stored before the source continues", async () => {
  await using store = openMemoryStore()();
  const seen: unknown[] = [];
  const source: Source = {
    async *read(positions) {
      // The last event may continue in the next chunk: it is not stored, and will be read again.
      for await (const item of sourceOf(LOG, []).read(positions, AbortSignal.any([]))) {
        yield item;
        yield { revoked: "src_test" };
        const [extent] = await store.extents();
        seen.push(extent?.rows, (await positions()).get("src_test"));
      }
    },
  };
  const ingest = new Ingest({ ...DEPS, store });
  await ingest.run(source, new AbortController().signal);
  const lastEvent = Buffer.byteLength(LOG) - Buffer.byteLength(`${EVENTS.at(-1)}\n`);
  expect(seen).toMatchObject([3, { offset: lastEvent }]);
  expect((await store.status()).rows).toBe(3);
});

test("a source that loses its streams fails the run, and pending rows are not stored", async () => {
  await using store = openMemoryStore()();
  const source: Source = {
    async *read(positions, signal) {
      yield* sourceOf(LOG, []).read(positions, signal);
      throw new Error("the lease is lost");
    },
  };
  const failing = new Ingest({ ...DEPS, store });
  const run = failing.run(source, new AbortController().signal);
  await expect(run).rejects.toThrow("the lease is lost");
  expect((await store.status()).rows).toBe(0);
  await new Ingest({ ...DEPS, store }).run(sourceOf(LOG, []), new AbortController().signal);
  expect((await store.status()).rows).toBe(4);
});

test("rows that another process reads again are not stored, and the run ends", async () => {
  await using store = openMemoryStore()();
  const source: Source = {
    ...sourceOf(LOG, []),
    confirm: () => Promise.reject(new Error("the lease is lost")),
  };
  const failing = new Ingest({ ...DEPS, store, onStoreError: () => undefined });
  const run = failing.run(source, new AbortController().signal);
  await expect(run).rejects.toThrow("the lease is lost");
  expect((await store.status()).rows).toBe(0);
});

test("rows are stored soon although the clock was set back after they were read", async () => {
  const clock = { now: Date.UTC(2026, 2, 15), nowMs: () => clock.now };
  const store = openMemoryStore()();
  const ending = new AbortController();
  const source: Source = {
    async *read(positions, signal) {
      yield* sourceOf(LOG, []).read(positions, signal);
      clock.now -= 3_600_000;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  const ingest = new Ingest({ ...DEPS, clock, store, foldEveryMs: 10 });
  const running = ingest.run(source, ending.signal);
  await expect.poll(async () => (await store.status()).rows).toBeGreaterThan(0);
  ending.abort();
  await running;
});

test("new lines are in frames at once if no others were just before, otherwise with the next fold", async () => {
  const ending = new AbortController();
  const header = { format: "nginx.access", fields: {} };
  const folded: number[] = [];
  let rows = 0;
  const lines = logSource({ path: "", header }, ACCESS + ACCESS, [ACCESS.length]);
  const source: Source = {
    async *read(positions, signal) {
      for await (const chunk of lines.read(positions, signal)) {
        yield chunk;
        folded.push(rows);
      }
      ending.abort();
    },
  };
  const ingest = new Ingest({
    ...DEPS,
    store: openMemoryStore()(),
    foldEveryMs: 3_600_000,
    onRows: (_batch, from, to) => {
      rows += to - from;
    },
  });
  await ingest.run(source, ending.signal);
  expect(folded).toEqual([1, 1]);
  expect(rows).toBe(2);
});
