import { expect, test } from "vitest";

import { clean, steadyRatio } from "./clean.ts";
import { prepare } from "./prepare.ts";

const DAY = 24;
const WEEK = 7 * DAY;
const WEEKS = 5;

/** Five weeks of hourly counts with a daily season and a little noise. */
const counts = Array.from({ length: WEEKS * WEEK }, (_, t) => {
  const noise = ((t * 7919) % 31) - 15;
  return Math.round(1000 + 500 * Math.sin((2 * Math.PI * t) / DAY) + noise);
});

test("a short burst is replaced by expected values, to which no model is fitted", () => {
  const at = counts.length - 3 * DAY;
  const spiked = counts.map((count, t) => (t >= at && t < at + 3 ? count * 20 : count));
  const { buckets, weights, ratios, isRepaired } = clean(prepare(spiked, [DAY, WEEK]));
  const unit = Math.max(...spiked);
  expect(isRepaired).toBe(true);
  for (let t = at; t < at + 3; t++) {
    expect(buckets[t]! * unit).toBeGreaterThan(counts[t]! * 0.8);
    expect(buckets[t]! * unit).toBeLessThan(counts[t]! * 1.2);
    expect(weights[t]).toBe(0);
  }
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(counts.length - 3);
  expect(new Set(ratios)).toEqual(new Set([1]));
});

test("if a burst persists, the older history is rescaled to the new level", () => {
  const shift = counts.length - 2 * DAY;
  const shifted = counts.map((count, t) => (t >= shift ? count * 9 : count));
  const { buckets, weights, ratios, isRepaired } = clean(prepare(shifted, [DAY, WEEK]));
  const unit = Math.max(...shifted);
  expect(isRepaired).toBe(true);
  // The ratio of the counts themselves, although they are compared by their roots.
  expect(ratios[0]).toBeGreaterThan(8.5);
  expect(ratios[0]).toBeLessThan(9.5);
  expect(buckets[0]! * unit).toBeCloseTo(shifted[0]! * ratios[0]!, 3);
  expect(ratios.at(-1)).toBe(1);
  expect(buckets.at(-1)! * unit).toBeCloseTo(shifted.at(-1)!, 3);
  expect(new Set(weights)).toEqual(new Set([1]));
});

test("a series without bursts is unchanged", () => {
  const prepared = prepare(counts, [DAY, WEEK]);
  const { isRepaired, weights } = clean(prepared);
  expect(isRepaired).toBe(false);
  expect(weights).toEqual(prepared.weights);
});

test.each([
  { why: "a steady ratio is a new level", observed: [6, 6.1, 5.9], ratio: 3 },
  { why: "a varying ratio is not a new level", observed: [2, 10, 30], ratio: undefined },
  { why: "a ratio of nearly 1 is not a new level", observed: [2.1, 2.1, 2.1], ratio: undefined },
  { why: "an outage is not a new level", observed: [0.01, 0.01, 0.01], ratio: undefined },
  { why: "a change of the sign is not a new level", observed: [-6, -6, -6], ratio: undefined },
])("$why", ({ observed, ratio }) => {
  expect(steadyRatio(Float64Array.from(observed), Float64Array.of(2, 2, 2))).toBe(ratio);
});

test("there is no ratio to values that were expected to be zero", () => {
  expect(steadyRatio(Float64Array.of(1, 2), Float64Array.of(0, 1e-12))).toBeUndefined();
});
