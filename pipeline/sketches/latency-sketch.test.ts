import { assert, double, array, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";

import {
  BUCKET_MAX,
  BUCKET_MIN,
  bucketOf,
  LatencySketch,
  LOWEST_MS,
  RELATIVE_ACCURACY,
  valueOf,
} from "./latency-sketch.ts";

const millis = double({ min: LOWEST_MS, max: 1e9, noNaN: true });

function sketchOf(values: readonly number[]): LatencySketch {
  const sketch = new LatencySketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

describe("latency sketch", () => {
  test("a bucket represents its durations within 2 %", () => {
    assert(
      property(millis, (ms) => {
        const error = Math.abs(valueOf(bucketOf(ms)) - ms) / ms;
        expect(error).toBeLessThanOrEqual(RELATIVE_ACCURACY + 1e-9);
      }),
    );
  });

  test("the shortest and longest durations share the outermost buckets", () => {
    expect(bucketOf(0)).toBe(BUCKET_MIN);
    expect(bucketOf(LOWEST_MS)).toBe(BUCKET_MIN);
    expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(BUCKET_MAX);
    expect(Object.is(bucketOf(0.99), 0)).toBe(true);
  });

  test("a quantile is within 2 % of the value at its rank", () => {
    assert(
      property(
        array(millis, { minLength: 1, maxLength: 300 }),
        integer({ min: 0, max: 100 }),
        (values, percent) => {
          const q = percent / 100;
          const truth = values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? 0;
          const told = sketchOf(values).quantile(q) ?? Number.NaN;
          expect(Math.abs(told - truth) / truth).toBeLessThanOrEqual(RELATIVE_ACCURACY + 1e-9);
        },
      ),
    );
  });

  test("merging in any order equals adding everything to one sketch", () => {
    assert(
      property(array(millis), array(millis), array(millis), (a, b, c) => {
        const left = sketchOf(a);
        left.merge(sketchOf(b));
        left.merge(sketchOf(c));
        const right = sketchOf(c);
        right.merge(sketchOf(b));
        right.merge(sketchOf(a));
        const all = sketchOf([...a, ...b, ...c]).buckets();
        expect(left.buckets()).toEqual(all);
        expect(right.buckets()).toEqual(all);
      }),
    );
  });

  test("an empty sketch has no quantile", () => {
    expect(new LatencySketch().quantile(0.5)).toBeNull();
  });
});
