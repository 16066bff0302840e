import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { UnitName } from "../format.ts";
import { valueAxis } from "./value-axis.ts";

const labelsOf = (max: number, unit: UnitName, intervalsMax = 4): string[] => {
  const { ticks, labelOf } = valueAxis(max, unit, intervalsMax);
  return ticks.map((tick) => labelOf(tick).replace("\u00a0", " "));
};

test("ticks are round, and the unit is the same for the whole axis", () => {
  expect(labelsOf(1, "1/s")).toEqual(["0", "0.5", "1"]);
  expect(labelsOf(0.83, "ratio")).toEqual(["0", "50 %", "100 %"]);
  expect(labelsOf(1650, "1/s")).toEqual(["0", "0.5 k", "1 k", "1.5 k", "2 k"]);
  expect(labelsOf(0.0123, "ratio")).toEqual(["0", "0.5 %", "1 %", "1.5 %"]);
  expect(labelsOf(1300, "ms")).toEqual(["0", "0.5 s", "1 s", "1.5 s"]);
  expect(labelsOf(184, "ms")).toEqual(["0", "50 ms", "100 ms", "150 ms", "200 ms"]);
  expect(labelsOf(150_000, "ms")).toEqual(["0", "1 min", "2 min", "3 min"]);
});

test("a count has no fractions on its axis, except of thousands", () => {
  expect(labelsOf(1, "count")).toEqual(["0", "1"]);
  expect(labelsOf(3, "count")).toEqual(["0", "1", "2", "3"]);
  expect(labelsOf(1900, "count", 3)).toEqual(["0", "1 k", "2 k"]);
});

test("an axis of zeros has a unit and more than one label", () => {
  for (const unit of ["1/s", "ms", "ratio", "count", "bytes"] as const) {
    expect(labelsOf(0, unit).length).toBeGreaterThan(1);
  }
});

test("no two labels are equal, and the axis reaches the largest value, for any value and unit", () => {
  const units = fc.constantFrom<UnitName>("1/s", "ms", "ratio", "count", "bytes");
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), units, (max, unit) => {
      const { ticks } = valueAxis(max, unit, 4);
      const labels = labelsOf(max, unit);
      expect(new Set(labels).size).toBe(labels.length);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * (1 - 1e-6));
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(ticks.at(-2)).toBeLessThan(max);
      if (unit === "count") expect(ticks.every(Number.isInteger)).toBe(true);
    }),
  );
});
