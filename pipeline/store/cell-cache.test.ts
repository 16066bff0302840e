import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import type { RollupCell } from "../rollup.ts";
import { DistinctSketch } from "../sketches/distinct-sketch.ts";
import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { CellsRequest, EventStore, MergedCell } from "./port.ts";

const T0 = 1_795_428_000;
const MEASURES_USED = ["requests", "latency", "users", "route"];
const ALL: CellsRequest = { fromMs: 0, toMs: 4e12, levelS: 60, measures: MEASURES_USED };

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-cells-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const opened = (folder: string, cellsMemoryMb: number): Promise<EventStore> =>
  openEmbeddedStore({ folder, clock: systemClock, cellsMemoryMb });

let batches = 0;

function append(store: EventStore, cells: RollupCell[]): Promise<void> {
  batches += 1;
  return store.append(batchOf([{}]), cells, positionsAt(batches));
}

const anyCell: fc.Arbitrary<RollupCell> = fc
  .record({
    levelS: fc.constantFrom(60 as const, 3600 as const),
    minute: fc.integer({ min: -3, max: 200 }),
    dataset: fc.constantFrom("nginx.access", "haproxy.log", "it's"),
    measure: fc.constantFrom(...MEASURES_USED),
    key: fc.constantFrom("", "200", "5", "-7", "2xx /a", "ü"),
    value: fc.integer({ min: 0, max: 1e6 }),
    visitor: fc.integer({ min: 1, max: 99 }),
  })
  .map(({ minute, visitor, ...cell }) => {
    const t = Math.floor((T0 + minute * 60) / cell.levelS) * cell.levelS;
    if (cell.measure !== "users") return { ...cell, t };
    const sketch = new DistinctSketch();
    sketch.add(visitor);
    return { ...cell, t, key: "", value: 0, sketch: sketch.toBytes() };
  });

const anyRequest: fc.Arbitrary<CellsRequest> = fc
  .record({
    from: fc.integer({ min: -900, max: 12_000 }),
    length: fc.integer({ min: 0, max: 12_000 }),
    levelS: fc.constantFrom(60 as const, 3600 as const),
    measures: fc.subarray(MEASURES_USED, { minLength: 1 }),
    stepMs: fc.constantFrom(undefined, 60_000, 300_000, 3_600_000),
    dataset: fc.constantFrom(undefined, "nginx.access", "it's", "none"),
    byKey: fc.constantFrom(undefined, true, false),
  })
  .map(({ from, length, stepMs, dataset, byKey, ...rest }) => ({
    ...rest,
    fromMs: T0 * 1000 + from * 1001,
    toMs: T0 * 1000 + (from + length) * 1001,
    ...(stepMs === undefined ? {} : { stepMs }),
    ...(dataset === undefined ? {} : { dataset }),
    ...(byKey === undefined ? {} : { byKey }),
  }));

/** Sorted, with the visitors of all sketches instead of the sketches, whose number may differ. */
function normal(cells: MergedCell[]): unknown[] {
  const plain = cells.map(({ sketches, ...cell }) => {
    const users = new DistinctSketch();
    for (const sketch of sketches) users.mergeBytes(sketch);
    return { ...cell, users: users.estimate() };
  });
  const order = ({ tMs, dataset, measure, key }: (typeof plain)[number]): string =>
    JSON.stringify([tMs, dataset, measure, key]);
  return plain.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

test(
  "answers from memory and from files are equal, whatever others append and merge",
  { timeout: 120_000 },
  async () => {
    const round = fc.record({
      appended: fc.array(fc.array(anyCell, { maxLength: 30 }), { maxLength: 10 }),
      isMerged: fc.boolean(),
      requests: fc.array(anyRequest, { minLength: 1, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
        const folder = await newFolder();
        await using writer = await opened(folder, 64);
        await using cached = await opened(folder, 64);
        await using tight = await opened(folder, 0.005);
        await using files = await opened(folder, 0);
        for (const { appended, isMerged, requests } of rounds) {
          for (const cells of appended) await append(writer, cells);
          if (isMerged) while (await writer.compact());
          for (const request of requests) {
            const expected = normal(await files.cells(request));
            expect(normal(await cached.cells(request))).toEqual(expected);
            expect(normal(await cached.cells(request))).toEqual(expected);
            expect(normal(await tight.cells(request))).toEqual(expected);
          }
        }
      }),
      { numRuns: 8 },
    );
  },
);

test("only the requested measures of a large file are cached, and answers are complete", async () => {
  const folder = await newFolder();
  await using writer = await opened(folder, 64);
  const cells = Array.from({ length: 12_000 }, (_, i): RollupCell => {
    const measure = i % 2 === 0 ? "latency" : "requests";
    return {
      levelS: 60,
      t: T0 + 60 * (i >> 4),
      dataset: "d",
      measure,
      key: String(i % 16),
      value: i,
    };
  });
  await append(writer, cells);
  await append(writer, cells.slice(0, 100));
  for (const cellsMemoryMb of [64, 0.1, 0]) {
    await using store = await opened(folder, cellsMemoryMb);
    const sums = await Promise.all(
      (["requests", "latency", "requests"] as const).map(async (measure) => {
        const found = await store.cells({ ...ALL, measures: [measure], byKey: false });
        return found.reduce((sum, { value }) => sum + value, 0);
      }),
    );
    expect(sums).toEqual([36_002_500, 35_996_450, 36_002_500]);
    expect(await store.cells({ ...ALL, levelS: 3600 })).toEqual([]);
  }
});

test("a rollup file that cannot be read is left out, and answers are known to lack its events", async () => {
  const folder = await newFolder();
  await using store = await opened(folder, 64);
  const cell: RollupCell = {
    levelS: 60,
    t: T0,
    dataset: "d",
    measure: "requests",
    key: "200",
    value: 1,
  };
  await append(store, [cell]);
  const [name = ""] = await readdir(join(folder, "rollups"));
  await writeFile(join(folder, "rollups", name), "no parquet at all");
  await append(store, [cell]);
  expect((await store.cells(ALL)).map(({ value }) => value)).toEqual([1]);
  const { holes, problems } = await store.status();
  expect(holes.map(({ events }) => events)).toEqual([1]);
  expect(problems.map(({ id }) => id)).toEqual([`rollups/${name}`]);
});

test("an asker does not wait for cells that another with many questions needs too", async () => {
  await using store = await opened(await newFolder(), 16);
  const cell = { levelS: 60, t: T0, dataset: "it's", measure: "requests", key: "" } as const;
  await append(store, [{ ...cell, value: 5 }]);
  let answered = 0;
  const others = Array.from({ length: 200 }, async () => {
    const request = { fromMs: 0, toMs: 4e12, where: [], aggregate: { kind: "count" } } as const;
    await store.aggregate({ ...request, asker: "others" });
    answered += 1;
  });
  await Promise.race(others);
  const asks = ["others", "board"].map((asker) => store.cells({ ...ALL, asker }));
  expect(await asks[1]).toMatchObject([{ value: 5 }]);
  expect(answered).toBeLessThan(100);
  await Promise.all([...others, ...asks]);
});
