import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { TextData } from "./column.ts";
import { hasLongRows, rowGroupEnds } from "./row-groups.ts";

const MIB = 1024 * 1024;
const STRETCH_ROWS = 2_048;

/** A column with a text of each length, of which the content is never read. */
function columnOf(lengths: readonly number[]): TextData {
  const ends = new Uint32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries()) ends[i + 1] = (ends[i] ?? 0) + length;
  const ids = Uint32Array.from(lengths, (_, i) => i + 1);
  return {
    name: "message",
    kind: "text",
    ids,
    size: lengths.length,
    bytes: new Uint8Array(0),
    ends,
  };
}

test("rows with short texts are in row groups of 131,072, and a small rest is in the last one", () => {
  const column = columnOf(Array.from({ length: 300_000 }, (_, i) => i % 1_000));
  expect(rowGroupEnds([column], 300_000)).toEqual([131_072, 262_144, 300_000]);
  expect(rowGroupEnds([], 3)).toEqual([3]);
  expect(rowGroupEnds([], 131_072 + 16_384)).toEqual([131_072 + 16_384]);
  expect(rowGroupEnds([], 131_072 + 16_385)).toEqual([131_072, 131_072 + 16_385]);
  expect(rowGroupEnds([], 0)).toEqual([]);
  expect(hasLongRows([column])).toBe(false);
});

test("no reader has to hold more than 16 MiB of texts, or one row, at a time", () => {
  const length = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 11 * MIB }) },
  );
  const runs = fc.array(fc.tuple(length, fc.integer({ min: 1, max: 3_000 })), { maxLength: 8 });
  fc.assert(
    fc.property(runs, (lengths) => {
      const rows = lengths.flatMap(([bytes, count]) =>
        Array.from({ length: bytes > MIB ? Math.min(count, 5) : count }, () => bytes),
      );
      const ends = rowGroupEnds([columnOf(rows), columnOf(rows)], rows.length);
      expect(ends.at(-1) ?? 0).toBe(rows.length);
      let start = 0;
      for (const end of ends) {
        expect(end).toBeGreaterThan(start);
        for (let from = start; from < end; from += STRETCH_ROWS) {
          const stretch = rows.slice(from, Math.min(end, from + STRETCH_ROWS));
          const bytes = 2 * stretch.reduce((sum, one) => sum + one, 0);
          if (stretch.length > 1) expect(bytes).toBeLessThanOrEqual(16 * MIB);
        }
        start = end;
      }
    }),
    { numRuns: 50 },
  );
});

test("texts of more than 64 KiB in a row are long", () => {
  expect(hasLongRows([columnOf([64 * 1024])])).toBe(false);
  expect(hasLongRows([columnOf([64 * 1024 + 1])])).toBe(true);
  expect(hasLongRows([columnOf([40_000]), columnOf([40_000])])).toBe(true);
});
