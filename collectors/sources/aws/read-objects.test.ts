import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Position, SourceId } from "#collectors/source.ts";

import { objectIdOf } from "./object-ref.ts";
import { ReadObjects } from "./read-objects.ts";

const idOf = (n: number): string =>
  objectIdOf({ bucket: "b", key: `k${n}`, etag: undefined, size: undefined }, "e");

test("an object that was read is known after a restart, and one that was read in part continues", () => {
  const stored = new Map<SourceId, Position>();
  const before = new ReadObjects("b", stored);
  const one = before.open(idOf(1));
  stored.set(one.sourceId, one.advance(100, { at: 100, isEnd: true }));
  const two = before.open(idOf(2));
  stored.set(two.sourceId, two.advance(30, { at: 40, isEnd: false }));
  const after = new ReadObjects("b", stored);
  expect([1, 2, 3].map((n) => after.has(idOf(n)))).toEqual([true, false, false]);
  const rest = after.open(idOf(2));
  expect([rest.at, rest.offset()]).toEqual([40, 130]);
  stored.set(rest.sourceId, rest.advance(5, { at: 45, isEnd: true }));
  expect(new ReadObjects("b", stored).has(idOf(2))).toBe(true);
  expect(new ReadObjects("another", stored).has(idOf(1))).toBe(false);
});

test("an object counts as stored when its last position is", () => {
  const stored = new Map<SourceId, Position>();
  const objects = new ReadObjects("b", stored);
  const one = objects.open(idOf(1));
  const position = one.advance(1, { at: 1, isEnd: true });
  const isStored = objects.storedCheck(idOf(1));
  expect(isStored(stored)).toBe(false);
  stored.set(one.sourceId, position);
  expect(isStored(stored)).toBe(true);
});

test("the oldest objects are forgotten, offsets never repeat, and positions stay small", () => {
  const stored = new Map<SourceId, Position>();
  const objects = new ReadObjects("b", stored, 2);
  const offsets = new Map<SourceId, number>();
  for (let n = 0; n < 5_000; n += 1) {
    const reading = objects.open(idOf(n));
    expect(reading.offset()).toBeGreaterThanOrEqual(offsets.get(reading.sourceId) ?? 0);
    stored.set(reading.sourceId, reading.advance(10, { at: 10, isEnd: true }));
    offsets.set(reading.sourceId, reading.offset());
  }
  const after = new ReadObjects("b", stored, 2);
  expect([0, 2_000, 4_500, 4_999].map((n) => after.has(idOf(n)))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(stored.size).toBe(2);
  for (const position of stored.values()) {
    expect(JSON.stringify(position).length).toBeLessThan(16_000);
  }
});

test("each byte is read once, whatever is stored before each restart", () => {
  const step = fc.record({
    object: fc.nat(5),
    chunks: fc.integer({ min: 1, max: 4 }),
    isStored: fc.boolean(),
    restarts: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const stored = new Map<SourceId, Position>();
      const storedBytes = new Map<number, number[]>();
      let unstored: { object: number; at: number; id: SourceId; position: Position }[] = [];
      let objects = new ReadObjects("b", stored);
      for (const { object, chunks, isStored, restarts } of steps) {
        if (!objects.has(idOf(object))) {
          const reading = objects.open(idOf(object));
          for (let n = 0; n < chunks && reading.at < 3; n += 1) {
            const { at, sourceId: id } = reading;
            const position = reading.advance(1, { at: at + 1, isEnd: at === 2 });
            unstored.push({ object, at, id, position });
          }
        }
        for (const it of isStored ? unstored : []) {
          storedBytes.set(it.object, [...(storedBytes.get(it.object) ?? []), it.at]);
          stored.set(it.id, it.position);
        }
        if (isStored || restarts) unstored = [];
        if (restarts) objects = new ReadObjects("b", stored);
      }
      for (const bytes of storedBytes.values()) {
        expect(bytes).toEqual([0, 1, 2].slice(0, bytes.length));
      }
    }),
  );
});
