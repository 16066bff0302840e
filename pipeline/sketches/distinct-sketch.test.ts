import { array, assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";

import { DistinctSketch, EXACT_MAX, STANDARD_ERROR } from "./distinct-sketch.ts";
import { combinedHash, stableHash } from "./stable-hash.ts";

const encoder = new TextEncoder();
const hashOf = (text: string) => stableHash(encoder.encode(text));

/** `size` visitors, numbered from `first`. */
function visitors(first: number, size: number): DistinctSketch {
  const sketch = new DistinctSketch();
  for (let i = first; i < first + size; i += 1) sketch.add(hashOf(`visitor ${i}`));
  return sketch;
}

function merged(...sketches: DistinctSketch[]): Uint8Array {
  const all = new DistinctSketch();
  for (const sketch of sketches) all.merge(sketch);
  return all.toBytes();
}

const span = array(integer({ min: 0, max: 2000 }), { minLength: 2, maxLength: 2 });

describe("distinct sketch", () => {
  test("merging is commutative, associative and idempotent", () => {
    assert(
      property(span, span, span, (...spans) => {
        const [a, b, c] = spans.map(([first = 0, size = 0]) => visitors(first, size));
        if (!a || !b || !c) throw new Error("three sketches");
        expect(merged(a, b)).toEqual(merged(b, a));
        const ab = DistinctSketch.fromBytes(merged(a, b));
        const bc = DistinctSketch.fromBytes(merged(b, c));
        expect(merged(ab, c)).toEqual(merged(a, bc));
        expect(merged(a, a)).toEqual(a.toBytes());
      }),
      { numRuns: 50 },
    );
  });

  test("merging parts equals adding everything to one sketch", () => {
    assert(
      property(span, span, ([p = 0, n = 0], [q = 0, m = 0]) => {
        const all = visitors(p, n);
        for (let i = q; i < q + m; i += 1) all.add(hashOf(`visitor ${i}`));
        expect(merged(visitors(p, n), visitors(q, m))).toEqual(all.toBytes());
      }),
      { numRuns: 50 },
    );
  });

  test("small numbers are counted exactly", () => {
    for (const size of [0, 1, 2, 17, EXACT_MAX]) expect(visitors(5, size).estimate()).toBe(size);
  });

  test.each([EXACT_MAX + 1, 600, 2_000, 5_000, 10_000, 60_000, 500_000])(
    "%d values are counted within four standard errors",
    (size) => {
      const error = Math.abs(visitors(0, size).estimate() - size) / size;
      expect(error).toBeLessThan(4 * STANDARD_ERROR);
    },
  );

  test("a sketch is restored from its bytes", () => {
    for (const size of [0, 1, 100, EXACT_MAX, EXACT_MAX + 1, 5_000]) {
      const sketch = visitors(0, size);
      const again = DistinctSketch.fromBytes(sketch.toBytes());
      expect(again.toBytes()).toEqual(sketch.toBytes());
      expect(again.estimate()).toBe(sketch.estimate());
    }
  });

  test("bytes that are not a sketch are rejected", () => {
    expect(() => DistinctSketch.fromBytes(new Uint8Array())).toThrow("not a distinct sketch");
    expect(() => DistinctSketch.fromBytes(new Uint8Array([2, 0, 0]))).toThrow("3 bytes");
    expect(() => DistinctSketch.fromBytes(new Uint8Array([1, 0]))).toThrow("not a distinct sketch");
  });

  test("the hash is the published one, so that stored sketches remain mergeable", () => {
    const fox = encoder.encode("The quick brown fox jumps over the lazy dog");
    expect(stableHash(fox, 0x9747b28c)).toBe(0x2fa826cd);
    expect(stableHash(encoder.encode("test"), 0)).toBe(0xba6bd213);
    expect(hashOf("")).toBe(237_450_808);
    expect(combinedHash(1, 2)).not.toBe(combinedHash(2, 1));
  });
});
