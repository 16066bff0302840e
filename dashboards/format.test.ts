import { expect, test } from "vitest";

import { formatAge, formatExact, formatQuantity, formatSigned, formatSpan } from "./format.ts";

test.each([
  [1240, "1/s", "1.24 k req/s"],
  [0.5, "1/s", "0.5 req/s"],
  [999.7, "1/s", "1 k req/s"],
  [0, "1/s", "0 req/s"],
  [184.4, "ms", "184 ms"],
  [3.14159, "ms", "3.14 ms"],
  [999.7, "ms", "1 s"],
  [1240, "ms", "1.24 s"],
  [600_000, "ms", "10 min"],
  [0.031, "ratio", "3.1 %"],
  [0.0004, "ratio", "0.04 %"],
  [0.000_001, "ratio", "<0.01 %"],
  [0, "ratio", "0 %"],
  [1, "ratio", "100 %"],
  [9999, "count", "9,999"],
  [12_400, "count", "12.4 k"],
  [2_747_282_505, "bytes", "2.75 GB"],
  [512, "bytes", "512 B"],
  [-4.5, "ms", "−4.5 ms"],
] as const)("%d %s is formatted as %s", (value, unit, text) => {
  expect(formatQuantity(value, unit)).toBe(text);
});

test("a missing value is a dash, never a zero", () => {
  for (const value of [null, undefined, Number.NaN, Infinity]) {
    expect(formatQuantity(value, "1/s")).toBe("–");
  }
});

test("a total is shown with all digits", () => {
  expect(formatExact(200_000)).toBe("200,000");
});

test("a difference has its sign", () => {
  expect([23, -4, 0.2].map(formatSigned)).toEqual(["+23", "−4", "±0"]);
});

test("an age is rounded to one unit", () => {
  const ages = [0, 2400, 180_000, 5_400_000, 26 * 3_600_000, 11.5 * 365.25 * 86_400_000];
  expect(ages.map(formatAge)).toEqual([
    "now",
    "2 s ago",
    "3 min ago",
    "1.5 h ago",
    "1.1 d ago",
    "11 y ago",
  ]);
  expect(formatSpan(900_000)).toBe("15 min");
});
