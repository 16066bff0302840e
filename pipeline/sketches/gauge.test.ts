import * as fc from "fast-check";
import { expect, test } from "vitest";

import { DistinctSketch } from "./distinct-sketch.ts";
import { Gauge } from "./gauge.ts";
import { mergeSketches } from "./merge-sketches.ts";

type Sample = { tMs: number; value: number };

// Whole numbers, whose sums are exact in any order.
const sample = fc.record({ tMs: fc.nat(20), value: fc.integer({ min: -1e6, max: 1e6 }) });
const samples = fc.array(sample, { maxLength: 20 });

function gaugeOf(of: readonly Sample[]): Gauge {
  const gauge = new Gauge();
  for (const { tMs, value } of of) gauge.add(tMs, value);
  return gauge;
}

function merged(...gauges: readonly Gauge[]): Gauge {
  const all = new Gauge();
  for (const gauge of gauges) all.merge(gauge);
  return all;
}

test("a gauge has the last sample, the extremes, the mean and the number of samples", () => {
  fc.assert(
    fc.property(samples, (of) => {
      const gauge = gaugeOf(of);
      const values = of.map(({ value }) => value);
      const newest = of.toSorted((a, b) => a.tMs - b.tMs || a.value - b.value).at(-1);
      expect(gauge.count).toBe(of.length);
      expect(gauge.min).toBe(Math.min(...values));
      expect(gauge.max).toBe(Math.max(...values));
      expect(gauge.last).toBe(newest?.value ?? Number.NEGATIVE_INFINITY);
      const sum = values.reduce((total, value) => total + value, 0);
      expect(gauge.mean).toBe(of.length > 0 ? sum / of.length : null);
    }),
  );
});

test("merging is associative and commutative, and equals adding all samples", () => {
  fc.assert(
    fc.property(samples, samples, samples, (a, b, c) => {
      const [x, y, z] = [gaugeOf(a), gaugeOf(b), gaugeOf(c)];
      expect(merged(merged(x, y), z)).toEqual(merged(x, merged(y, z)));
      expect(merged(x, y)).toEqual(merged(y, x));
      expect(merged(x, y, z)).toEqual(gaugeOf([...a, ...b, ...c]));
    }),
  );
});

test("gauges merged from bytes in any order have the bytes of all samples", () => {
  fc.assert(
    fc.property(fc.array(samples, { minLength: 1, maxLength: 5 }), (parts) => {
      const bytes = parts.map((part) => gaugeOf(part).toBytes());
      const whole = gaugeOf(parts.flat()).toBytes();
      expect(mergeSketches(bytes)).toEqual(whole);
      expect(mergeSketches(bytes.toReversed())).toEqual(whole);
    }),
  );
});

test("a gauge and a distinct sketch are never confused", () => {
  const distinct = new DistinctSketch();
  for (let i = 1; i <= 12; i += 1) distinct.add(i);
  expect(() => new Gauge().mergeBytes(distinct.toBytes())).toThrow("not a gauge");
  expect(() => new DistinctSketch().mergeBytes(gaugeOf([]).toBytes())).toThrow("not a distinct");
});
