import * as fc from "fast-check";
import { expect, test } from "vitest";

import { keptCounts, OTHER, shortfallMax } from "./heavy-hitters.ts";

type Counts = ReadonlyMap<string, number>;

function sumOf(parts: readonly Counts[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [name, count] of parts.flatMap((part) => [...part])) {
    sum.set(name, (sum.get(name) ?? 0) + count);
  }
  return sum;
}

/** One step over named counts. */
function summarised(counts: Counts, itemsMax: number): Counts {
  const named = [...counts].filter(([name]) => name !== OTHER);
  const kept = keptCounts(
    [...named.keys()],
    named.map(([, count]) => count),
    itemsMax,
  );
  const heavy = named.map(([name], i) => new Map([[name, kept[i] ?? 0]]));
  const other = named.reduce((sum, [, count], i) => sum + count - (kept[i] ?? 0), 0);
  const summary = sumOf([...heavy, new Map([[OTHER, other + (counts.get(OTHER) ?? 0)]])]);
  return new Map([...summary].filter(([, count]) => count > 0));
}

/** Summarises the stream in pieces, and merges the summaries two by two in a tree. */
function summaryOf(stream: readonly string[], itemsMax: number, pieceLength: number): Counts {
  let level: Counts[] = [];
  for (let at = 0; at < stream.length; at += pieceLength) {
    const piece = stream.slice(at, at + pieceLength).map((name) => new Map([[name, 1]]));
    level.push(summarised(sumOf(piece), itemsMax));
  }
  while (level.length > 1) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      summarised(sumOf(level.slice(2 * i, 2 * i + 2)), itemsMax),
    );
  }
  return level[0] ?? new Map();
}

function expectBound(summary: Counts, stream: readonly string[], itemsMax: number): void {
  const exact = sumOf(stream.map((name) => new Map([[name, 1]])));
  const other = summary.get(OTHER) ?? 0;
  const total = [...summary.values()].reduce((a, b) => a + b, 0);
  expect(total).toBe(stream.length);
  expect(summary.size).toBeLessThanOrEqual(itemsMax + 1);
  for (const [name, count] of exact) {
    const counted = summary.get(name) ?? 0;
    expect(counted).toBeLessThanOrEqual(count);
    expect(counted).toBeGreaterThanOrEqual(count - shortfallMax(other, itemsMax));
    if (count > stream.length / (itemsMax + 1)) expect(counted).toBeGreaterThan(0);
  }
}

const anyStream = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom("a", "b", "c") },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 400 }).map(String) },
  ),
  { maxLength: 600 },
);
const sizes = {
  itemsMax: fc.integer({ min: 1, max: 40 }),
  length: fc.integer({ min: 1, max: 200 }),
};

test("counts are within the stated error, and heavy names are never missing, for any stream, pieces and merges", () => {
  fc.assert(
    fc.property(anyStream, sizes.itemsMax, sizes.length, (stream, itemsMax, length) => {
      expectBound(summaryOf(stream, itemsMax, length), stream, itemsMax);
    }),
  );
});

const ADVERSARIAL: Readonly<Record<string, (names: readonly string[]) => string[]>> = {
  "the light names first": (names) => [...names.slice(1), ...names.slice(0, 1)],
  "the heavy name first": (names) => [...names],
};
const times = (name: string, count: number): string[] => Array.from({ length: count }, () => name);

test.each(Object.keys(ADVERSARIAL))("the stated error holds with %s", (order) => {
  fc.assert(
    fc.property(fc.nat({ max: 300 }), sizes.itemsMax, sizes.length, (light, itemsMax, length) => {
      const names = ["heavy", ...Array.from({ length: light }, (_, i) => `light-${i}`)];
      const ordered = ADVERSARIAL[order]?.(names) ?? names;
      const stream = ordered.flatMap((name) => times(name, name === "heavy" ? 100 : 1));
      expectBound(summaryOf(stream, itemsMax, length), stream, itemsMax);
    }),
    { numRuns: 40 },
  );
});

test("the stated error holds for a name that is just too light in every piece", () => {
  // Each piece has new names that are as heavy as the one that all pieces have.
  const stream = Array.from({ length: 30 }, (_, piece) => [
    ...Array.from({ length: 10 }, (__, i) => times(`${piece}-${i}`, 4)).flat(),
    ...times("everywhere", 3),
  ]).flat();
  for (const itemsMax of [1, 5, 9, 10, 20]) {
    expectBound(summaryOf(stream, itemsMax, 43), stream, itemsMax);
  }
});

test("several counts of an item lose together what the item loses", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 9 })), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (entries, itemsMax) => {
        const items = entries.map(([item]) => item);
        const counts = entries.map(([, count]) => count);
        const kept = keptCounts(items, counts, itemsMax);
        const byItem = (values: ArrayLike<number>): Counts =>
          sumOf(items.map((item, i) => new Map([[String(item), values[i] ?? 0]])));
        const [before, after] = [byItem(counts), byItem(kept)];
        const other = counts.reduce((sum, count, i) => sum + count - (kept[i] ?? 0), 0);
        const alive = [...after.values()].filter((count) => count > 0);
        expect(alive.length).toBeLessThanOrEqual(itemsMax);
        for (const [item, count] of before) {
          const loss = count - (after.get(item) ?? 0);
          expect(loss).toBeGreaterThanOrEqual(0);
          expect(loss).toBeLessThanOrEqual(shortfallMax(other, itemsMax));
        }
      },
    ),
  );
});
