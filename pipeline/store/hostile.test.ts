import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { FIELDS } from "#collectors/fields.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { withChecksum, withoutChecksum } from "#platform/text-checksum.ts";

import type { Condition } from "../filter.ts";
import { batchFooter } from "./batch-footer.ts";
import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import { SegmentFolder } from "./segment-folder.ts";

const ALL = { fromMs: 0, toMs: 4e12, where: [] };
const COUNT = { ...ALL, aggregate: { kind: "count" } } as const;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-hostile-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function filledFolder(segments: number): Promise<string> {
  const folder = await newFolder();
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  for (let i = 0; i < segments; i += 1) await store.append(batchOf([{}]), [], positionsAt(i));
  return folder;
}

test("the text of a filter is a value or a name, never SQL", { timeout: 60_000 }, async () => {
  const folder = await filledFolder(1);
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "' OR 1=1 --",
      '" OR 1=1 --',
      "$1",
      "x'); DROP TABLE t; --",
      "\\",
      "%",
      "\0",
      "'",
    ),
    fc.constantFrom('"', '@timestamp" IS NOT NULL OR "a', "fields_json", "__proto__", "/~", ""),
  );
  const field = fc.oneof(nasty, fc.constantFrom(...Object.keys(FIELDS)));
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ field, op: fc.constantFrom("eq", "ne"), value: fc.oneof(nasty, fc.double()) }),
    fc.record({ field, op: fc.constantFrom("gt", "gte", "lt", "lte"), value: fc.double() }),
    fc.record({ field, op: fc.constantFrom("like", "not_like"), value: nasty }),
    fc.record({ field, op: fc.constantFrom("exists", "missing") }),
    fc.record({ field: fc.constant("*" as const), op: fc.constant("contains"), value: nasty }),
  );
  await fc.assert(
    fc.asyncProperty(condition, field, async (one, by) => {
      try {
        const rows = await store.aggregate({
          ...COUNT,
          where: [one],
          by: { field: by, limit: 3 },
        });
        expect(rows.reduce((sum, row) => sum + row.value, 0)).toBeLessThanOrEqual(1);
        if ("value" in one && one.op === "eq" && String(one.value).includes("OR")) {
          expect(rows).toEqual([]);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }),
    { numRuns: 400 },
  );
});

test.each(["*a*a*a*a*a*b", "*a_*a*a*a*a*b", "*a%*a*a*a*a*b"])(
  "the pattern %s takes linear time",
  async (value) => {
    await using store = await openEmbeddedStore({ folder: await newFolder(), clock: systemClock });
    const rows = Array.from({ length: 500 }, () => ({ "url.path": `/${"a".repeat(8_000)}` }));
    await store.append(batchOf(rows), [], positionsAt(1));
    const where: Condition[] = [{ field: "url.path", op: "like", value }];
    expect(await store.aggregate({ ...COUNT, where })).toEqual([]);
  },
);

test("truncated, foreign, empty or copied files are ignored and reported, and a writer moves them aside", async () => {
  const folder = await filledFolder(4);
  const events = join(folder, "events");
  const [cut = "", empty = "", kept = ""] = await readdir(events);
  await truncate(join(events, cut), 300);
  await truncate(join(events, empty), 0);
  await writeFile(join(events, "notes.txt"), "hello");
  await copyFile(join(events, kept), join(events, "000000000-1-00000000.parquet"));
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  expect((await store.aggregate(COUNT))[0]?.value).toBe(2);
  const { problems } = await store.status();
  expect(problems.length).toBe(4);
  for (const name of [cut, empty, "notes.txt", "000000000-1-00000000.parquet"]) {
    expect(problems.some(({ message }) => message.includes(name))).toBe(true);
  }
  expect(await readdir(join(folder, "broken"))).toEqual([]);
  await store.compact();
  expect((await readdir(join(folder, "broken"))).length).toBe(4);
  await using later = await openEmbeddedStore({ folder, clock: systemClock });
  for (const { problems: named } of [await store.status(), await later.status()]) {
    expect(named.filter(({ message }) => message.includes("moved")).length).toBe(4);
  }
  expect((await store.aggregate(COUNT))[0]?.value).toBe(2);
});

test("a file that was read while it was being copied counts when it is complete, and is no longer reported", async () => {
  const folder = await filledFolder(2);
  const [name = ""] = await readdir(join(folder, "events"));
  const path = join(folder, "events", name);
  const bytes = await readFile(path);
  await truncate(path, 300);
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  expect((await store.aggregate(COUNT))[0]?.value).toBe(1);
  await writeFile(path, bytes);
  await store.compact();
  expect((await store.aggregate(COUNT))[0]?.value).toBe(2);
  expect((await store.status()).problems).toEqual([]);
});

test.each(["manifest", "footer"])(
  "a folder with a %s of a newer version is rejected, and not changed",
  async (place) => {
    const folder = await filledFolder(1);
    const [name = ""] = await readdir(join(folder, "events"));
    const manifest = join(folder, "manifests", name.replace(".parquet", ".json"));
    if (place === "manifest") {
      const text = withoutChecksum(await readFile(manifest));
      await writeFile(manifest, withChecksum(text.replace('"version":1', '"version":9')));
    } else {
      await rm(manifest);
    }
    const path = join(folder, "events", name);
    const bytes = await readFile(path, "latin1");
    if (place === "footer") {
      await writeFile(path, bytes.replace('"version":1', '"version":9'), "latin1");
    }
    const opened = openEmbeddedStore({ folder, clock: systemClock });
    await expect(opened).rejects.toThrow(/newer Quarterdeck/);
    expect(await readdir(join(folder, "events"))).toEqual([name]);
  },
);

test("a rollup without its events is never read, and is removed by the next merge", async () => {
  const folder = await filledFolder(1);
  const orphan = join(folder, "rollups", "000000000-1-00000000.parquet");
  await writeFile(orphan, "left over");
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  expect(await store.cells({ ...ALL, levelS: 60, measures: ["requests"] })).toEqual([]);
  expect(await readdir(join(folder, "rollups"))).toHaveLength(1);
  await store.compact();
  expect(await readdir(join(folder, "rollups"))).toEqual([]);
});

test("an append that cannot be written leaves no files, and the next one succeeds", async () => {
  const folder = await newFolder();
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  await rm(join(folder, "events"), { recursive: true });
  await writeFile(join(folder, "events"), "in the way");
  await expect(store.append(batchOf([{}]), [], positionsAt(1))).rejects.toThrow();
  expect((await readdir(join(folder, "tmp"))).filter((name) => name.endsWith(".parquet"))).toEqual(
    [],
  );
  await rm(join(folder, "events"));
  await mkdir(join(folder, "events"));
  await store.append(batchOf([{}]), [], positionsAt(2));
  expect((await store.aggregate(COUNT))[0]?.value).toBe(1);
});

test("an append that is no longer valid when it is written leaves no files", async () => {
  const folder = await filledFolder(1);
  await using segments = new SegmentFolder(folder, systemClock);
  await segments.prepare();
  const before = await readdir(folder, { recursive: true });
  const id = await segments.nextId();
  const content = { batch: batchOf([]), cells: [], positions: positionsAt(1) };
  const bytes = [Buffer.from("written by a process that was suspended")];
  const isValid = async (): Promise<boolean> => {
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.includes(id));
    // Rollup and manifest already have their names, and do not count without the events.
    expect(left.toSorted()).toEqual([
      join("manifests", `${id}.json`),
      join("rollups", `${id}.parquet`),
    ]);
    return false;
  };
  const footer = batchFooter(id, content);
  expect(await segments.append(footer, { events: bytes, rollup: bytes }, isValid)).toBe(false);
  await segments[Symbol.asyncDispose]();
  expect(await readdir(folder, { recursive: true })).toEqual(before);
});

test("two stores on one folder read each other's events immediately and never merge at the same time", async () => {
  const folder = await newFolder();
  await using first = await openEmbeddedStore({ folder, clock: systemClock });
  await using second = await openEmbeddedStore({ folder, clock: systemClock });
  for (let i = 0; i < 10; i += 1) {
    await first.append(batchOf([{}]), [], positionsAt(i));
    await second.append(new Batch(1), [], positionsAt(i, "src_b"));
    expect((await second.aggregate(COUNT))[0]?.value).toBe(i + 1);
  }
  const merged = await Promise.all([first.compact(), second.compact()]);
  expect(merged.filter(Boolean).length).toBe(1);
  expect((await first.aggregate(COUNT))[0]?.value).toBe(10);
  expect((await second.positions()).size).toBe(2);
});
