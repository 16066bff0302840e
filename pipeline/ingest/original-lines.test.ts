import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { addDocument } from "#collectors/document.ts";
import { formatNamed } from "#collectors/formats/index.ts";
import { fileSource } from "#collectors/sources/files.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryBus } from "../bus/memory-bus.ts";
import { parseQuery } from "../query-language.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { reprocess } from "./reprocess.ts";
import { logSource } from "./testing-source.ts";

const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };

const access = (path: string, rest = ""): string =>
  `203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET ${path} HTTP/1.1" 200 5 "-" "Probe/1.0"${rest}`;

const STORES: [string, () => Promise<EventStore>][] = [
  ["in memory", async () => openMemoryStore()()],
  ["embedded", async () => openEmbeddedStore({ folder: await newFolder(), clock: systemClock })],
];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-original-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function ingestLog(store: EventStore, content: Uint8Array, cuts: readonly number[] = []) {
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, store });
  const source = logSource({ path: "/srv/some.log" }, content, cuts);
  await ingest.run(source, new AbortController().signal);
}

/** The original lines in the order of their offsets. */
async function originals(store: EventStore): Promise<Buffer[]> {
  const found = await store.search({ ...ALL, where: [], limit: 10_000 });
  const inOrder = found.toSorted(
    (a, b) => Number(a.fields["log.offset"]) - Number(b.fields["log.offset"]),
  );
  const lines: Buffer[] = [];
  for (const { id } of inOrder) lines.push(Buffer.from((await store.original(id)) ?? "none"));
  return lines;
}

const count = async (store: EventStore, q: string): Promise<number> =>
  (await store.search({ ...ALL, where: parseQuery(q), limit: 100 })).length;

const lines = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const latin1 = Buffer.from(access("/caf\xe9"), "latin1");

describe.each(STORES)("the original line, in a store %s", (_name, open) => {
  test("is the bytes of the file: CRLF, invalid UTF-8, no line end at the end, unparsable lines", async () => {
    await using store = await open();
    const parts = [
      Buffer.from(`${access("/crlf")}\r`),
      latin1,
      Buffer.from(access("/é-€")),
      Buffer.from("junk \x01\x7f that no format can parse\r"),
      Buffer.from(access("/last")),
    ];
    await ingestLog(
      store,
      Buffer.concat(parts.flatMap((part) => [part, Buffer.from("\n")])).subarray(0, -1),
    );
    expect(await originals(store)).toEqual(parts);
  });

  test("of an event of several lines is all of them, with their line ends", async () => {
    await using store = await open();
    const first =
      "[Sat Mar 14 10:11:12.000000 2026] [core:error] [pid 7] AH1: broken\r\n  at a\r\n\r\n  at b";
    const second = "[Sat Mar 14 10:11:13.000000 2026] [core:error] [pid 7] AH2: broken";
    await ingestLog(store, Buffer.from(`${first}\r\n${second}\r\n`));
    expect(await originals(store)).toEqual(lines(`${first}\r`, `${second}\r`));
  });

  test("of some megabytes is kept whole", async () => {
    await using store = await open();
    const long = access(`/${"a".repeat(3_000_000)}`);
    await ingestLog(store, Buffer.from(`${access("/a")}\n${long}\n${access("/b")}\n`));
    const kept = await originals(store);
    expect(kept.map((line) => line.length)).toEqual(
      [access("/a"), long, access("/b")].map((line) => line.length),
    );
    expect(kept[1]?.equals(Buffer.from(long))).toBe(true);
  });

  test("under the prefix of a container runtime has the prefix, and those of its parts", async () => {
    await using store = await open();
    const cri = (flag: string, rest: string): string =>
      `2026-03-14T10:11:12.123456789Z stdout ${flag} ${rest}`;
    const whole = access("/split");
    const parts = [cri("P", whole.slice(0, 40)), cri("F", whole.slice(40))];
    const log = [cri("F", access("/a")), ...parts, cri("F", access("/b"))];
    await ingestLog(store, Buffer.from(`${log.join("\n")}\n`));
    const found = await originals(store);
    expect(found).toEqual(lines(log[0] ?? "", parts.join("\n"), log[3] ?? ""));
    expect(await count(store, "split")).toBe(1);
  });

  test("is found by words anywhere in it: addresses, methods, versions, and phrases across fields", async () => {
    await using store = await open();
    await ingestLog(store, Buffer.from(`${access("/a")}\n${access("/b?q=ü", " rt=0.5")}\n`));
    expect(await count(store, "203.0.113.5")).toBe(2);
    expect(await count(store, "get")).toBe(2);
    expect(await count(store, "HTTP/1.1")).toBe(2);
    expect(await count(store, '"GET /a HTTP"')).toBe(1);
    expect(await count(store, '"probe/1.0\\""')).toBe(2);
    expect(await count(store, '"B?Q=Ü"')).toBe(1);
    expect(await count(store, "no.such.word")).toBe(0);
  });

  test("that is not valid UTF-8 is found by its other words, and shows the bytes as escapes", async () => {
    await using store = await open();
    await ingestLog(store, Buffer.concat([latin1, Buffer.from("\n")]));
    const [event] = await store.search({ ...ALL, where: parseQuery('"GET /caf"'), limit: 10 });
    expect(event?.fields["event.original"]).toBe(access(String.raw`/caf\xE9`));
  });

  test("of a JSON document with another event.original is kept beside it", async () => {
    await using store = await open();
    const line = `{"@timestamp":"2026-03-14T10:00:00Z","log.level":"info","event.original":"as sent","note":"n"}`;
    await ingestLog(store, Buffer.from(`${line}\n`));
    const [event] = await store.search({ ...ALL, where: parseQuery("sent"), limit: 10 });
    expect(event?.fields["event.original"]).toBe("as sent");
    expect(await originals(store)).toEqual(lines(line));
  });

  test("stays the same when quarantined lines are parsed again", async () => {
    await using store = await open();
    const position = { offset: 0, "stream.format": "ecs" };
    await store.append(new Batch(1), [], new Map([["src_other", position]]));
    const content = Buffer.concat([latin1, Buffer.from(`\r\n${access("/a")}`)]);
    const bus = openMemoryBus();
    await using consumer = bus();
    await consumer.append({ header: { format: "no.such", fields: {} }, lines: content });
    const ending = new AbortController();
    const ingest = new Ingest({
      ...DEPS,
      ...INTERVALS,
      store,
      onProgress: () => ending.abort(),
    });
    await ingest.run(consumer, ending.signal);
    const before = await originals(store);
    expect(before).toEqual([Buffer.concat([latin1, Buffer.from("\r")]), Buffer.from(access("/a"))]);
    const format = formatNamed("nginx.access");
    const done = await reprocess({ ...DEPS, store }, { format });
    expect(done.events).toEqual(new Map([["nginx.access", 2]]));
    expect(await originals(store)).toEqual(before);
  });

  test("is absent from documents that were pushed, and from events of earlier versions", async () => {
    await using store = await open();
    const batch = new Batch(1);
    const fields = { "@timestamp": "2026-03-14T10:00:00Z", message: "m", "log.source.id": "src_a" };
    addDocument(batch, { ...fields, "log.offset": 7 });
    await store.append(batch, [], new Map([["src_a", { offset: 8 }]]));
    expect(await store.original("src_a:7")).toBeNull();
    expect(await store.original("src_a:8")).toBeUndefined();
    expect(await count(store, "m")).toBe(1);
  });
});

test("merged segments have the same original lines", async () => {
  await using store = await openEmbeddedStore({ folder: await newFolder(), clock: systemClock });
  const parts = Array.from({ length: 12 }, (_, i) =>
    i % 3 === 0 ? latin1 : Buffer.from(access(`/${i}`, i % 2 === 0 ? "\r" : "")),
  );
  let content = Buffer.alloc(0);
  for (const part of parts) {
    content = Buffer.concat([content, part, Buffer.from("\n")]);
    await ingestLog(store, content);
  }
  while (await store.compact());
  expect((await store.status()).segments).toBe(1);
  expect(await originals(store)).toEqual(parts);
});

test("any lines come back as they were, wherever chunks end", async () => {
  const line = fc
    .oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: "binary", maxLength: 30 }).map((text) => Buffer.from(access(`/${text}`))),
    )
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a && byte !== 0)))
    .filter((bytes) => bytes.length > 0 && !bytes.equals(Buffer.from("\r")));
  const logs = fc.tuple(
    fc.array(line, { minLength: 1, maxLength: 12 }),
    fc.uniqueArray(fc.nat(11), { maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(logs, async ([all, cutLines]) => {
      await using store = openMemoryStore()();
      const content = Buffer.concat(all.flatMap((it) => [it, Buffer.from("\n")]));
      const ends = all.map((_, i) =>
        all.slice(0, i + 1).reduce((sum, { length }) => sum + length + 1, 0),
      );
      const cuts = ends.filter((_, i) => cutLines.includes(i));
      await ingestLog(store, content, cuts);
      // An event of several lines has their line ends.
      const stored = (await originals(store)).flatMap((it) => [it, Buffer.from("\n")]);
      expect(Buffer.concat(stored).equals(content)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("the event of a line beyond the limit has its beginning, and is marked", async () => {
  const folder = await newFolder();
  const path = join(folder, "access.log");
  await writeFile(path, `${access("/a")}\n${access(`/${"x".repeat(9_000)}`)}\n${access("/b")}\n`);
  await using store = openMemoryStore()();
  const files = { paths: [path], follow: false, clock: systemClock };
  await using source = fileSource({ ...files, chunkBytes: 1_024, lineBytesMax: 4_096 });
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, store });
  await ingest.run(source, new AbortController().signal);
  expect((await originals(store)).map(({ length }) => length)).toEqual([
    access("/a").length,
    4_096,
    access("/b").length,
  ]);
  const found = await store.search({ ...ALL, where: [], limit: 10 });
  const flags = found.map(({ fields }) => fields["log.flags"]).filter((flag) => flag !== undefined);
  expect(flags).toEqual(["truncated"]);
});
