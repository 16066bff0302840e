import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";

import type { RecordHeader } from "#collectors/source.ts";

import { line, numbers, PLAIN, readUntil, startReader, testBus, TestStore } from "./contract.ts";
import { openEmbeddedBus } from "./embedded-bus.ts";
import { PartitionReader } from "./partition-reader.ts";
import type { Bus } from "./port.ts";
import { partitionsOf, segmentPath, segmentsOf } from "./segments.ts";

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck bus "));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return join(path, "bus");
}

const append = (bus: Bus, n: number): Promise<void> =>
  bus.append({ header: PLAIN, lines: line(n) });

const opener = (folder: string) => (): Promise<Bus> => Promise.resolve(openEmbeddedBus({ folder }));

describe("the embedded bus fulfils the contract", () => {
  testBus(async () => {
    const folder = await temporaryFolder();
    return () => Promise.resolve(openEmbeddedBus({ folder, segmentBytesMax: 300 }));
  });
});

test("a partition whose writer has ended is taken over", async () => {
  const folder = await temporaryFolder();
  {
    await using one = openEmbeddedBus({ folder });
    await using other = openEmbeddedBus({ folder });
    await Promise.all([append(one, 1), append(other, 2)]);
  }
  await using third = openEmbeddedBus({ folder });
  await append(third, 3);
  expect(await partitionsOf(folder)).toHaveLength(2);
  const store = new TestStore();
  await readUntil(store, opener(folder), 3);
  expect(store.numbers).toEqual([1, 2, 3]);
});

test("segments without headers, as written by earlier versions, are read as ECS lines", async () => {
  const folder = await temporaryFolder();
  const partition = "src_0123456789abcdef01234567";
  await mkdir(join(folder, partition), { recursive: true });
  await writeFile(segmentPath(folder, partition, 0), Buffer.concat([line(1), line(2)]));
  await writeFile(segmentPath(folder, partition, 1), line(3));
  const store = new TestStore();
  const { length } = line(1);
  store.put([], new Map([[partition, { offset: length, eventMs: 7 }]]));
  await using bus = openEmbeddedBus({ folder });
  await append(bus, 4);
  expect(await segmentsOf(folder, partition)).toEqual([0, 1, 2]);
  await readUntil(store, opener(folder), 3);
  expect(store.numbers).toEqual([2, 3, 4]);
  expect(store.lines.map(({ header }) => header?.format)).toEqual(["ecs", "ecs", "ecs"]);
});

test("a partial line of a killed writer is not read, and later lines are complete", async () => {
  const folder = await temporaryFolder();
  {
    await using bus = openEmbeddedBus({ folder });
    await append(bus, 1);
  }
  const [partition = "src_"] = await partitionsOf(folder);
  const [last = 0] = await segmentsOf(folder, partition);
  await appendFile(segmentPath(folder, partition, last), '{"n":');
  await using bus = openEmbeddedBus({ folder });
  await append(bus, 2);
  const store = new TestStore();
  await readUntil(store, opener(folder), 2);
  expect(store.numbers).toEqual([1, 2]);
});

test("stored segments are deleted, and others are kept", async () => {
  const folder = await temporaryFolder();
  await using bus = openEmbeddedBus({ folder, segmentBytesMax: 20 });
  for (const n of numbers(0, 10)) await append(bus, n);
  const [partition = "src_"] = await partitionsOf(folder);
  const before = await segmentsOf(folder, partition);
  await bus.acknowledge(new Map());
  expect(await segmentsOf(folder, partition)).toEqual(before);
  const store = new TestStore();
  await readUntil(store, opener(folder), 10);
  await bus.acknowledge(await store.positions());
  expect(await segmentsOf(folder, partition)).toEqual(before.slice(-1));
  await append(bus, 10);
  await readUntil(store, opener(folder), 11);
  expect(store.numbers).toEqual(numbers(0, 11));
});

test("records that cannot be written are rejected: without a folder, and with too large a backlog", async () => {
  const folder = await temporaryFolder();
  await writeFile(folder, "a file where a folder should be");
  await using bus = openEmbeddedBus({ folder });
  await expect(append(bus, 1)).rejects.toMatchObject({ code: "unavailable" });
  await rm(folder);
  await append(bus, 2);
  await using full = openEmbeddedBus({ folder, backlogBytesMax: 5 });
  await expect(append(full, 3)).rejects.toMatchObject({ code: "too_many_requests" });
  await using half = openEmbeddedBus({ folder, backlogBytesMax: 1_000 });
  await half.check();
  await expect(half.check(0.01)).rejects.toMatchObject({ code: "too_many_requests" });
  const store = new TestStore();
  await readUntil(store, opener(folder), 1);
  expect(store.numbers).toEqual([2]);
});

test("an append to a removed folder is rejected, and the next one uses a new partition", async () => {
  const folder = await temporaryFolder();
  await using bus = openEmbeddedBus({ folder });
  await append(bus, 1);
  const before = await partitionsOf(folder);
  await rm(folder, { recursive: true });
  await expect(append(bus, 2)).rejects.toMatchObject({ code: "unavailable" });
  await append(bus, 3);
  expect(await partitionsOf(folder)).not.toEqual(before);
  const store = new TestStore();
  await readUntil(store, opener(folder), 1);
  expect(store.numbers).toEqual([3]);
});

test("one process at a time reads the bus", async () => {
  const folder = await temporaryFolder();
  await using bus = openEmbeddedBus({ folder });
  await append(bus, 1);
  const [first, second] = [new TestStore(), new TestStore()];
  await using waiting = new AsyncDisposableStack();
  {
    await using reader = await startReader(first, opener(folder));
    await reader.until(1);
    const next = waiting.use(await startReader(second, opener(folder)));
    await append(bus, 2);
    await reader.until(2);
    expect(second.lines).toEqual([]);
    void next;
  }
  await expect.poll(() => second.numbers, { timeout: 20_000 }).toEqual([1, 2]);
});

const textOf = (n: number): string => Buffer.from(line(n)).toString("latin1");

/** Number of flipped bits; `FLIPS=400` for the complete run. */
const FLIPS = Number(process.env["FLIPS"] ?? 60);

test("a flipped bit never changes a pushed line silently: the lines of its block are quarantined", async () => {
  const folder = await temporaryFolder();
  {
    await using bus = openEmbeddedBus({ folder });
    for (const n of numbers(0, 20)) {
      const header = { format: "ecs", dataset: `d${n % 3}`, fields: { "host.name": `h${n % 2}` } };
      await bus.append({ header, lines: line(n) });
    }
  }
  const [partition = "src_"] = await partitionsOf(folder);
  const path = segmentPath(folder, partition, 0);
  const intact = await readFile(path);
  for (let i = 0; i < FLIPS; i += 1) {
    const bytes = Buffer.from(intact);
    const [first, all] = [100 * 8, bytes.length * 8];
    // Half of them in the first header, on which the other blocks depend.
    const bit = i % 2 === 0 ? Math.floor((i * first) / FLIPS) : (i * 7_919) % all;
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    await writeFile(path, bytes);
    const read: { bytes: string; header: RecordHeader | undefined }[] = [];
    const reader = new PartitionReader({ folder, partition, offset: 0 });
    for await (const chunk of reader.chunks(new AbortController().signal)) {
      read.push({ bytes: Buffer.from(chunk.bytes).toString("latin1"), header: chunk.header });
    }
    // Lines of any other format are quarantined.
    const kept = read.filter(({ header }) => header?.format === "ecs");
    for (const chunk of kept) {
      const { n } = z.object({ n: z.number() }).parse(JSON.parse(chunk.bytes));
      const header = { format: "ecs", dataset: `d${n % 3}`, fields: { "host.name": `h${n % 2}` } };
      expect(chunk).toEqual({ bytes: textOf(n), header });
    }
    // One block is damaged; a damaged header may also hide that of the block before it.
    expect(kept.length).toBeGreaterThanOrEqual(18);
    expect(read.length).toBeGreaterThanOrEqual(kept.length);
  }
});

test("blocks and lines that are longer than a read are read completely", async () => {
  const folder = await temporaryFolder();
  await using bus = openEmbeddedBus({ folder });
  const long = Buffer.from(`{"n":1,"text":"${"x".repeat(3_000_000)}"}\n`);
  const many = Buffer.concat(numbers(2, 40_000).map(line));
  await Promise.all([long, many].map((lines) => bus.append({ header: PLAIN, lines })));
  await append(bus, 40_000);
  const store = new TestStore();
  await readUntil(store, opener(folder), 40_000);
  expect(store.numbers).toEqual(numbers(1, 40_001));
}, 30_000);

test("segments whose headers have no checksums, as written by earlier versions, are read", async () => {
  const folder = await temporaryFolder();
  const partition = "src_0123456789abcdef01234567";
  await mkdir(join(folder, partition), { recursive: true });
  const mark = `\u001E${"ab".repeat(16)}`;
  const headers = ["a", "b"].map((dataset) => `${mark}{"dataset":"${dataset}","fields":{}}\n`);
  const lines = [headers[0], line(1), line(2), headers[1], line(3)].map((it) =>
    Buffer.from(it ?? ""),
  );
  await writeFile(segmentPath(folder, partition, 0), Buffer.concat(lines));
  const store = new TestStore();
  await readUntil(store, opener(folder), 3);
  expect(store.numbers).toEqual([1, 2, 3]);
  expect(store.lines.map(({ header }) => header?.dataset)).toEqual(["a", "a", "b"]);
});
