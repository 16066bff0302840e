import { appendFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { eachLine } from "#collectors/lines.ts";
import type { Position, SourceId } from "#collectors/source.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";
import { markOf } from "#platform/postgres/process-mark.ts";

import { runningFile } from "../current-store.ts";
import { openEmbeddedStore } from "../store/embedded-store.ts";
import { busSource, claimBus } from "./bus-source.ts";
import { joinSources } from "./join-sources.ts";
import { startOwnIngest } from "./own-ingest.ts";
import { busFolderOf, lanesOf, removeCovered, segmentPath, segmentsOf } from "./segments.ts";
import { openSpool } from "./spool.ts";

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck bus "));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return join(path, "bus");
}

const line = (number: number): Uint8Array => Buffer.from(`{"n":${number}}\n`);
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** Reads until there are so many lines, as the ingest loop does; what it keeps is what a store would. */
class Reader {
  readonly seen: number[] = [];
  readonly positions = new Map<SourceId, Position>();

  get inOrder(): number[] {
    return this.seen.toSorted((a, b) => a - b);
  }

  async readUntil(folder: string, count: number): Promise<void> {
    const stop = new AbortController();
    const source = busSource(folder, { positions: () => Promise.resolve(new Map(this.positions)) });
    for await (const chunk of joinSources([source]).read(() => undefined, stop.signal)) {
      eachLine(chunk, (start, end) => {
        const { n } = JSON.parse(Buffer.from(chunk.bytes.subarray(start, end)).toString());
        this.seen.push(Number(n));
      });
      this.positions.set(chunk.sourceId, chunk.position);
      if (this.seen.length >= count) stop.abort();
    }
  }
}

test("what was appended is read once, over segments and restarts", async () => {
  const folder = await temporaryFolder();
  const reader = new Reader();
  for (let life = 0; life < 3; life += 1) {
    await using spool = openSpool({ folder, segmentBytesMax: 100 });
    await Promise.all(numbers(life * 50, life * 50 + 25).map((n) => spool.append(line(n))));
    await reader.readUntil(folder, life * 50 + 20);
    for (const n of numbers(life * 50 + 25, life * 50 + 50)) await spool.append(line(n));
  }
  await reader.readUntil(folder, 150);
  expect(reader.inOrder).toEqual(numbers(0, 150));
  expect(await lanesOf(folder)).toHaveLength(1);
});

test("two writers have lanes of their own, and a lane that was left is taken over", async () => {
  const folder = await temporaryFolder();
  {
    await using one = openSpool({ folder });
    await using other = openSpool({ folder });
    await Promise.all([one.append(line(1)), other.append(line(2))]);
  }
  await using third = openSpool({ folder });
  await third.append(line(3));
  expect(await lanesOf(folder)).toHaveLength(2);
  const reader = new Reader();
  await reader.readUntil(folder, 3);
  expect(reader.inOrder).toEqual([1, 2, 3]);
});

test("half a line that a killed writer left is not read, and what follows is whole", async () => {
  const folder = await temporaryFolder();
  {
    await using spool = openSpool({ folder });
    await spool.append(line(1));
  }
  const [lane = "src_"] = await lanesOf(folder);
  const [last = 0] = await segmentsOf(folder, lane);
  await appendFile(segmentPath(folder, lane, last), '{"n":');
  await using spool = openSpool({ folder });
  await spool.append(line(2));
  const reader = new Reader();
  await reader.readUntil(folder, 2);
  expect(reader.seen).toEqual([1, 2]);
});

test("segments that are stored are deleted, those that are not stay", async () => {
  const folder = await temporaryFolder();
  await using spool = openSpool({ folder, segmentBytesMax: 20 });
  for (const n of numbers(0, 10)) await spool.append(line(n));
  const [lane = "src_"] = await lanesOf(folder);
  const before = await segmentsOf(folder, lane);
  await removeCovered(folder, new Map());
  expect(await segmentsOf(folder, lane)).toEqual(before);
  const reader = new Reader();
  await reader.readUntil(folder, 10);
  await removeCovered(folder, reader.positions);
  expect(await segmentsOf(folder, lane)).toEqual(before.slice(-1));
  await spool.append(line(10));
  await reader.readUntil(folder, 11);
  expect(reader.seen).toEqual(numbers(0, 11));
});

test("what cannot be written down is refused, not lost: with no folder, and with too much waiting", async () => {
  const folder = await temporaryFolder();
  await writeFile(folder, "a file where a folder should be");
  await using spool = openSpool({ folder });
  await expect(spool.append(line(1))).rejects.toMatchObject({ code: "unavailable" });
  await rm(folder);
  await spool.append(line(2));
  await using full = openSpool({ folder, backlogBytesMax: 5 });
  await expect(full.append(line(3))).rejects.toMatchObject({ code: "too_many_requests" });
  const reader = new Reader();
  await reader.readUntil(folder, 1);
  expect(reader.seen).toEqual([2]);
});

test("a folder that is taken away under a writer refuses, and the next append has a lane of its own", async () => {
  const folder = await temporaryFolder();
  await using spool = openSpool({ folder });
  await spool.append(line(1));
  const before = await lanesOf(folder);
  await rm(folder, { recursive: true });
  await expect(spool.append(line(2))).rejects.toMatchObject({ code: "unavailable" });
  await spool.append(line(3));
  expect(await lanesOf(folder)).not.toEqual(before);
  const reader = new Reader();
  await reader.readUntil(folder, 1);
  expect(reader.seen).toEqual([3]);
});

test("one process at a time moves the bus", async () => {
  const folder = await temporaryFolder();
  const held = await claimBus(folder);
  expect(held).toBeDefined();
  expect(await claimBus(folder)).toBeUndefined();
  await held?.release();
  const next = await claimBus(folder);
  await next?.release();
  expect(next).toBeDefined();
  expect(await readdir(folder)).toEqual([]);
});

test("a process on its own moves the bus, and lets go of it where a control plane runs", async () => {
  const dataFolder = join(await temporaryFolder(), "data");
  const config = { dataFolder, signIn: [], signOut: [], timezone: "UTC" };
  const folder = busFolderOf(dataFolder);
  await using spool = openSpool({ folder });
  await using ingest = startOwnIngest({ config, log: silentLog() });
  expect(ingest).toBeDefined();
  const event = '{"@timestamp":"2026-03-14T00:00:00Z","data_stream.dataset":"a"}\n';
  await spool.append(Buffer.from(event));
  await using store = await openEmbeddedStore({
    folder: join(dataFolder, "store"),
    clock: systemClock,
  });
  const rows = async () => (await store.status()).rows;
  await expect.poll(rows, { timeout: 20_000 }).toBe(1);
  expect(await claimBus(folder)).toBeUndefined();
  const running = { process: markOf(process.pid), url: "http://127.0.0.1:1", store: dataFolder };
  await writeFile(runningFile(dataFolder), JSON.stringify(running));
  await spool.append(Buffer.from(event));
  const claimed = async () => claimBus(folder);
  await expect.poll(claimed, { timeout: 20_000 }).toBeDefined();
});
