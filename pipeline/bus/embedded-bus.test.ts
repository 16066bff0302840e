import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { line, numbers, PLAIN, readUntil, startReader, testBus, TestStore } from "./contract.ts";
import { openEmbeddedBus } from "./embedded-bus.ts";
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
