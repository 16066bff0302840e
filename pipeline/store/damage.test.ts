import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, open as openFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";

import { Batch } from "#collectors/batch.ts";
import { openDeriver } from "#collectors/derive/derive.ts";
import type { Clock } from "#platform/clock.ts";
import { systemClock } from "#platform/clock.ts";
import { tryLease } from "#platform/lease/lease.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { mergeSketches } from "../sketches/merge-sketches.ts";
import { positionsAt, T0 } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { EventStore } from "./port.ts";
import { SegmentFolder } from "./segment-folder.ts";
import { SegmentRepairs } from "./segment-repairs.ts";

/** Number of flipped bits for each kind of file; `FLIPS=400` for the complete run. */
const FLIPS = Number(process.env["FLIPS"] ?? 20);
const ROWS = 200;
const SEGMENTS = 3;
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [] };
const COUNT = { ...ALL, aggregate: { kind: "count" } } as const;
const MEASURES = ["requests", "bytes", "latency", "users", "route", "events"];

/** Linear congruential generator, so that a failing run can be repeated. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function batchFrom(segment: number): Batch {
  const batch = new Batch(ROWS);
  const random = randomFrom(segment + 1);
  for (let row = 0; row < ROWS; row += 1) {
    const n = segment * ROWS + row;
    batch.number("@timestamp").put(row, T0 + n * 1_000);
    batch.number("log.offset").put(row, n);
    batch.number("http.response.status_code").put(row, [200, 200, 304, 404, 500][random(5)] ?? 200);
    batch.number("http.response.bytes").put(row, random(10_000));
    batch.number("event.duration").put(row, random(1e9));
    batch.text("log.source.id").putText(row, "src_a");
    batch.text("data_stream.dataset").putText(row, "nginx.access");
    batch.text("url.original").putText(row, `/page/${random(20)}?n=${n}`);
    batch.text("source.address").putText(row, `10.0.0.${random(50)}`);
    batch.text("user_agent.original").putText(row, `agent ${random(3)}`);
    batch.text("event.category").putText(row, "web\u001Fapi");
    batch.text("message").putText(row, `message ${n} ${random(2 ** 32)}`);
    batch.commit();
  }
  openDeriver(batch, { signIn: [], signOut: [] }).derive(0, batch.rows);
  return batch;
}

async function append(store: EventStore, segment: number): Promise<void> {
  const batch = batchFrom(segment);
  const frames = new FrameAccumulator(batch);
  frames.fold(0, batch.rows, false);
  await store.append(batch, frames.takeCells(), positionsAt((segment + 1) * ROWS));
}

const openIn = (folder: string, clock: Clock = systemClock): Promise<EventStore> =>
  openEmbeddedStore({ folder, clock, threads: 1 });

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-damage-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function filledFolder(segments = SEGMENTS): Promise<string> {
  const folder = await newFolder();
  await using store = await openIn(folder);
  for (let i = 0; i < segments; i += 1) await append(store, i);
  return folder;
}

type Answers = { count: number; ids: string[]; documents: unknown; cells: unknown };

async function answers(store: EventStore): Promise<Answers> {
  const [row] = await store.aggregate(COUNT);
  const found = await store.search({ ...ALL, limit: 1_000 });
  const cells = await store.cells({ ...ALL, levelS: 60, measures: MEASURES });
  return {
    count: row?.value ?? 0,
    ids: found.map(({ id }) => id),
    documents: new Map(found.map(({ id, fields }) => [id, JSON.stringify(fields)])),
    cells: cellValues(cells),
  };
}

function cellValues(cells: Awaited<ReturnType<EventStore["cells"]>>): string[] {
  return cells
    .map(
      ({ tMs, measure, key, value, sketches }) =>
        `${tMs} ${measure} ${key} ${value} ${hexOf(sketches)}`,
    )
    .toSorted();
}

const hexOf = (sketches: Uint8Array[]): string =>
  sketches.length === 0 ? "" : Buffer.from(mergeSketches(sketches)).toString("hex");

async function flip(path: string, random: (below: number) => number): Promise<void> {
  await using file = await openFile(path, "r+");
  const at = random((await stat(path)).size);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ (1 << random(8)), 0);
  await file.write(byte, 0, 1, at);
}

const KINDS = ["events", "rollups", "schema", "manifests"] as const;

describe.each(KINDS)("a flipped bit in a file of %s", (kind) => {
  test(
    "never changes a value silently, and is repaired as far as possible",
    { timeout: 120_000 + FLIPS * 3_000 },
    async () => {
      const random = randomFrom(KINDS.indexOf(kind) + 7);
      const filled = await filledFolder();
      for (let i = 0; i < FLIPS; i += 1) {
        const folder = await newFolder();
        await cp(filled, folder, { recursive: true });
        const isRunning = i % 2 === 0;
        let store = await openIn(folder);
        const intact = await answers(store);
        if (!isRunning) await store[Symbol.asyncDispose]();
        const names = readdirSync(join(folder, kind)).toSorted();
        await flip(join(folder, kind, names[random(names.length)] ?? ""), random);
        if (!isRunning) store = await openIn(folder);
        await using opened = store;
        const before = await answers(opened);
        const { problems, holes } = await opened.status();
        // What is in memory, or was read before the flip, is still right.
        const isRight = JSON.stringify(before) === JSON.stringify(intact);
        if (!isRight) expect([problems.length, holes.length]).toEqual([1, 1]);
        if (kind === "schema") expect(problems.length).toBe(1);
        expectSubset(before, intact);
        expect(await opened.positions()).toEqual(positionsAt(SEGMENTS * ROWS));
        while (await opened.compact());
        await using other = await openIn(folder);
        for (const one of [opened, other]) {
          const after = await answers(one);
          const status = await one.status();
          expectSubset(after, intact);
          expect(await one.positions()).toEqual(positionsAt(SEGMENTS * ROWS));
          if (kind !== "schema") expect(status.problems.length).toBe(1);
          expect(after.cells).toEqual(intact.cells);
          expect(after.count).toBe(SEGMENTS * ROWS - (kind === "events" ? ROWS : 0));
          expect(status.holes.map(({ events }) => events)).toEqual(kind === "events" ? [ROWS] : []);
        }
      }
    },
  );
});

/** Makes the largest event file unreadable. */
async function damageLargest(folder: string, kind: "events" | "rollups"): Promise<void> {
  const paths = readdirSync(join(folder, kind)).map((name) => join(folder, kind, name));
  const sized = await Promise.all(
    paths.map(async (path) => ({ path, size: (await stat(path)).size })),
  );
  const [largest] = sized.toSorted((a, b) => b.size - a.size);
  await flip(largest?.path ?? "", randomFrom(5));
}

test.each(["events", "rollups"] as const)(
  "a damaged merged segment is replaced by the segments that it was merged from while they are there: %s",
  async (kind) => {
    const folder = await filledFolder(10);
    await using store = await openIn(folder);
    const intact = await answers(store);
    expect(await store.compact()).toBe(true);
    expect((await store.status()).segments).toBe(1);
    await damageLargest(folder, kind);
    await using reader = await openIn(folder);
    for (const one of [store, reader]) {
      expect(await answers(one)).toEqual(intact);
      expect(await one.positions()).toEqual(positionsAt(10 * ROWS));
    }
    while (await store.compact());
    await using later = await openIn(folder);
    for (const one of [store, reader, later]) {
      expect(await answers(one)).toEqual(intact);
      expect((await one.status()).holes).toEqual([]);
    }
    expect(readdirSync(join(folder, "broken")).length).toBe(1);
  },
);

test("inputs of a merge are kept until the merged segment was verified", async () => {
  const folder = await filledFolder(10);
  let aheadMs = 0;
  const clock = { nowMs: () => systemClock.nowMs() + aheadMs };
  await using store = await openIn(folder, clock);
  const intact = await answers(store);
  await store.compact();
  await damageLargest(folder, "events");
  aheadMs = 3_600_000;
  while (await store.compact());
  expect(await answers(store)).toEqual(intact);
});

const HISTORIES = Math.max(8, FLIPS / 4);
const ACTS_EACH = 60;
const SEED = 40;

/** A store that is used and damaged at random. */
class History implements AsyncDisposable {
  readonly #folder: string;
  readonly #kinds: readonly ("events" | "rollups")[];
  readonly #random: (below: number) => number;
  readonly acts: string[] = [];
  store: EventStore;
  appended = 0;
  #aheadMs = 0;

  private constructor({ folder, kinds, seed }: HistoryParts, store: EventStore) {
    this.#folder = folder;
    this.#kinds = kinds;
    this.#random = randomFrom(seed);
    this.store = store;
  }

  static async open(parts: HistoryParts): Promise<History> {
    return new History(parts, await openIn(parts.folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }

  async act(): Promise<void> {
    const acts = [
      this.append,
      this.append,
      this.append,
      this.compact,
      this.compact,
      this.damage,
      this.removeReplaced,
      this.reopen,
    ];
    const act = acts[this.#random(acts.length)] ?? this.append;
    this.acts.push(act.name);
    await act.call(this);
  }

  async append(): Promise<void> {
    await append(this.store, this.appended);
    this.appended += 1;
  }

  async compact(): Promise<void> {
    await this.store.compact();
  }

  async damage(): Promise<void> {
    const kind = this.#oneOf(this.#kinds) ?? "events";
    const name = this.#oneOf(readdirSync(join(this.#folder, kind)).toSorted());
    if (name !== undefined) await flip(join(this.#folder, kind, name), this.#random);
  }

  /** As a process does that is killed when it has removed some of the replaced segments. */
  async removeReplaced(): Promise<void> {
    await using segments = new SegmentFolder(this.#folder, systemClock);
    await segments.prepare();
    const { replaced } = await segments.list();
    const segment = this.#oneOf(replaced);
    if (segment) await rm(segments.eventsPath(segment.id));
  }

  async reopen(): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    this.#aheadMs += 61_000;
    this.store = await openIn(this.#folder, { nowMs: () => systemClock.nowMs() + this.#aheadMs });
  }

  #oneOf<T>(list: readonly T[]): T | undefined {
    return list[this.#random(list.length)];
  }
}

type HistoryParts = { folder: string; kinds: readonly ("events" | "rollups")[]; seed: number };

test.each([{ kinds: ["events"] }, { kinds: ["events", "rollups"] }] as const)(
  "whatever is damaged, merged and removed in turn, nothing counts twice: $kinds",
  { timeout: 60_000 + HISTORIES * 10_000 },
  async ({ kinds }) => {
    for (let seed = SEED; seed < SEED + HISTORIES; seed += 1) {
      await using history = await History.open({ folder: await newFolder(), kinds, seed });
      for (let i = 0; i < ACTS_EACH; i += 1) await history.act();
      while (await history.store.compact());
      const { ids } = await answers(history.store);
      const cells = await history.store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
      const requests = cells.reduce((sum, { value }) => sum + value, 0);
      const expected = history.appended * ROWS;
      const acts = `seed ${seed}: ${history.acts.join(" ")}`;
      expect(new Set(ids).size, acts).toBe(ids.length);
      expect(requests, acts).toBeLessThanOrEqual(expected);
      // Rollups do not need the events.
      if (kinds.length === 1) expect(requests, acts).toBe(expected);
    }
  },
);

test("damage is not merged: the other segments are, and the hole and the positions stay", async () => {
  const folder = await filledFolder(10);
  await damageLargest(folder, "events");
  await using store = await openIn(folder);
  while (await store.compact());
  const { holes, rows, segments } = await store.status();
  expect([rows, segments]).toEqual([9 * ROWS, 2]);
  expect(holes).toEqual([expect.objectContaining({ dataset: "nginx.access", events: ROWS })]);
  expect(await store.positions()).toEqual(positionsAt(10 * ROWS));
  const cells = await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
  expect(cells.reduce((sum, { value }) => sum + value, 0)).toBe(10 * ROWS);
});

test("a hole ends with the retention of its dataset, and so do its cells", async () => {
  const folder = await filledFolder(2);
  await damageLargest(folder, "events");
  await using store = await openIn(folder);
  while (await store.compact());
  await store.setRetention(new Map([["nginx.access", 1]]));
  while (await store.expire(T0 + 5 * 86_400_000));
  expect((await store.status()).holes).toEqual([]);
  expect(await store.cells({ ...ALL, levelS: 60, measures: ["requests"] })).toEqual([]);
  expect(await store.positions()).toEqual(positionsAt(2 * ROWS));
});

test("a damaged retention removes nothing, and is valid again when it is set again", async () => {
  const folder = await filledFolder(1);
  await using store = await openIn(folder);
  const retention = new Map([["nginx.access", 30]]);
  const path = join(folder, "retention.json");
  const expireMs = T0 + 20 * 86_400_000;
  for (let bit = 0; bit < FLIPS; bit += 1) {
    await store.setRetention(retention);
    await flip(path, randomFrom(bit));
    await store.expire(expireMs);
    // A flip in the name of the checksum's field leaves the days as they were.
    expect([undefined, retention]).toContainEqual(await store.retention().catch(() => undefined));
    expect((await answers(store)).count).toBe(ROWS);
  }
  await store.setRetention(retention);
  expect(await store.retention()).toEqual(retention);
});

test("a store of an earlier version, without manifests, is read and gets them", async () => {
  const folder = await filledFolder();
  await rm(join(folder, "manifests"), { recursive: true });
  await using store = await openIn(folder);
  const intact = await answers(store);
  await store.compact();
  expect(readdirSync(join(folder, "manifests")).length).toBe(SEGMENTS);
  expect((await store.status()).problems).toEqual([]);
  await damageLargest(folder, "events");
  const after = await answers(store);
  expectSubset(after, intact);
  expect(after.count).toBe((SEGMENTS - 1) * ROWS);
});

test("without manifests, a file that DuckDB cannot read is left out", async () => {
  const folder = await filledFolder();
  await rm(join(folder, "manifests"), { recursive: true });
  const [name = ""] = readdirSync(join(folder, "events"));
  await using file = await openFile(join(folder, "events", name), "r+");
  await file.write(Buffer.alloc(2_000, 0xff), 0, 2_000, 4);
  await using store = await openIn(folder);
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + aheadMs);
  onTestFinished(() => clock.mockRestore());
  // It is left out also after the time at which damaged files are verified again.
  for (; aheadMs < 10_000; aheadMs += 5_000) {
    expect((await answers(store)).count).toBe((SEGMENTS - 1) * ROWS);
    expect((await store.status()).holes.map(({ events }) => events)).toEqual([ROWS]);
  }
});

test("without manifests, a missing rollup is computed again, and merging goes on", async () => {
  const folder = await filledFolder();
  const before = await openIn(folder);
  const intact = await answers(before);
  await before[Symbol.asyncDispose]();
  await rm(join(folder, "manifests"), { recursive: true });
  const [name = ""] = readdirSync(join(folder, "rollups"));
  await rm(join(folder, "rollups", name));
  await using store = await openIn(folder);
  while (await store.compact());
  const { problems, upkeepFailures } = await store.status();
  expect([problems, upkeepFailures]).toEqual([[], 0]);
  expect(await answers(store)).toEqual(intact);
  expect(readdirSync(join(folder, "manifests")).length).toBe(SEGMENTS);
});

test("a damaged segment that was not replaced, because the lease was lost, keeps its files", async () => {
  const folder = await filledFolder();
  await damageLargest(folder, "events");
  await using segments = new SegmentFolder(folder, systemClock);
  await segments.prepare();
  const tried: string[] = [];
  const repairs = new SegmentRepairs(segments, async ({ id }) => {
    tried.push(`${id}.parquet`);
    return false;
  });
  const names = readdirSync(join(folder, "events"));
  await using lease = await tryLease(join(folder, "leases"), "compaction");
  await repairs.examine();
  if (lease) await repairs.repair(lease);
  expect(tried.length).toBe(1);
  expect(names).toContain(tried[0]);
  expect(readdirSync(join(folder, "events"))).toEqual(names);
  expect(readdirSync(join(folder, "broken"))).toEqual([]);
});

test.each(["events", "rollups"] as const)(
  "damaged %s are found while nothing can be repaired",
  async (kind) => {
    const folder = await filledFolder();
    await using store = await openIn(folder);
    await using lease = await tryLease(join(folder, "leases"), "compaction");
    expect(lease).toBeDefined();
    await store.compact();
    expect((await store.status()).problems).toEqual([]);
    await damageLargest(folder, kind);
    await store.compact();
    expect((await store.status()).problems).toEqual([
      expect.objectContaining({ kind: "file", message: expect.stringMatching(/damaged|checksum/) }),
    ]);
  },
);

test("an event file that cannot be opened is left out until it can be", async () => {
  const folder = await filledFolder();
  await using store = await openIn(folder);
  const intact = await answers(store);
  const [name = ""] = readdirSync(join(folder, "events"));
  const path = join(folder, "events", name);
  await rename(path, join(folder, "kept"));
  // A folder can be neither read nor mistaken for a damaged file.
  await mkdir(path);
  expect((await answers(store)).count).toBe((SEGMENTS - 1) * ROWS);
  const { problems, holes } = await store.status();
  expect([problems.length, holes.map(({ events }) => events)]).toEqual([1, [ROWS]]);
  expect(await store.positions()).toEqual(positionsAt(SEGMENTS * ROWS));
  await store.compact();
  expect(readdirSync(join(folder, "broken"))).toEqual([]);
  await rmdir(path);
  await rename(join(folder, "kept"), path);
  await expect.poll(() => answers(store), { timeout: 10_000 }).toEqual(intact);
  expect((await store.status()).problems).toEqual([]);
});

test("while a segment cannot be opened, nothing is stored, because positions would be earlier", async () => {
  const folder = await filledFolder();
  const [name = ""] = readdirSync(join(folder, "manifests")).toSorted().slice(-1);
  const path = join(folder, "manifests", name);
  await rename(path, join(folder, "kept"));
  await mkdir(path);
  await using store = await openIn(folder);
  await expect(store.positions()).rejects.toThrow(/cannot|can be opened/);
  await expect(append(store, SEGMENTS - 1)).rejects.toMatchObject({ code: "unavailable" });
  expect((await answers(store)).count).toBe((SEGMENTS - 1) * ROWS);
  expect((await store.status()).problems.length).toBe(1);
  await rmdir(path);
  await rename(join(folder, "kept"), path);
  await append(store, SEGMENTS - 1);
  expect((await answers(store)).count).toBe(SEGMENTS * ROWS);
});

const EMFILE_CHILD = `
import { closeSync, openSync } from "node:fs";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
const [folder] = process.argv.slice(1);
const open = () => openEmbeddedStore({ folder, clock: { nowMs: () => Date.now() }, threads: 1 });
const store = await open();
const count = { fromMs: 0, toMs: 4e12, where: [], aggregate: { kind: "count" } };
const before = JSON.stringify([await store.aggregate(count), [...await store.positions()]]);
const files = [];
const fill = () => { try { for (;;) files.push(openSync("/dev/null")); } catch {} };
fill();
const listed = await store.positions().then((it) => JSON.stringify([...it]), (error) => error.code);
const read = await store.aggregate(count).then((rows) => "answered", (error) => error.code);
for (const file of files.splice(0, 3)) closeSync(file);
const opened = await open().then(async (it) => {
  fill();
  return it.positions().then((them) => JSON.stringify([...them]), (error) => error.code);
}, (error) => error.code);
for (const file of files) closeSync(file);
await new Promise((resolve) => setTimeout(resolve, 1_100));
const after = JSON.stringify([await store.aggregate(count), [...await store.positions()]]);
console.log(JSON.stringify({ listed, read, opened, isSame: before === after }));
process.exit(0);`;

test("with too many open files, positions are refused or right, and reads recover", async () => {
  const folder = await filledFolder();
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", EMFILE_CHILD, folder];
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", 'ulimit -n 80; exec "$@"', "sh", process.execPath, ...flags],
    { cwd: join(import.meta.dirname, "..", "..") },
  );
  const result = z
    .object({ listed: z.string(), read: z.string(), opened: z.string(), isSame: z.boolean() })
    .parse(JSON.parse(stdout));
  const positions = JSON.stringify([["src_a", { offset: SEGMENTS * ROWS }]]);
  expect(["unavailable", positions]).toContain(result.listed);
  expect(["answered", "unavailable"]).toContain(result.read);
  expect(["unavailable", "EMFILE", positions]).toContain(result.opened);
  expect(result.isSame).toBe(true);
});

/** Every event of the answers is right, and none is there twice. */
function expectSubset(some: Answers, all: Answers): void {
  expect(new Set(some.ids).size).toBe(some.ids.length);
  if (!(some.documents instanceof Map) || !(all.documents instanceof Map)) throw new Error("maps");
  for (const [id, fields] of some.documents) expect(fields).toBe(all.documents.get(id));
  expect(some.count).toBe(some.ids.length);
}
