import * as fc from "fast-check";
import { expect, test } from "vitest";

import { OTHER, shortfallMax } from "../sketches/heavy-hitters.ts";
import { NameCounts } from "./name-counts.ts";

const anyEvents = fc.array(
  fc.record({
    name: fc.oneof(fc.constantFrom("/", "/cart"), fc.nat({ max: 300 }).map(String)),
    detail: fc.nat({ max: 3 }),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 500 },
);

test("counts of names are within the stated error, and the totals of each detail are exact", () => {
  fc.assert(
    fc.property(anyEvents, fc.integer({ min: 1, max: 50 }), (events, namesMax) => {
      const counts = new NameCounts(namesMax);
      const [exact, byDetail] = [new Map<string, number>(), new Map<number, number>()];
      for (const { name, detail, count } of events) {
        counts.add(name, detail, count);
        exact.set(name, (exact.get(name) ?? 0) + count);
        byDetail.set(detail, (byDetail.get(detail) ?? 0) + count);
      }
      const counted = new Map<string, number>();
      counts.each((name, detail, count) => {
        counted.set(name, (counted.get(name) ?? 0) + count);
        byDetail.set(detail, (byDetail.get(detail) ?? 0) - count);
      });
      expect([...byDetail.values()].every((rest) => rest === 0)).toBe(true);
      expect(counted.size).toBeLessThanOrEqual(2 * namesMax + 2);
      const error = shortfallMax(counted.get(OTHER) ?? 0, namesMax);
      for (const [name, count] of exact) {
        const found = counted.get(name) ?? 0;
        expect(found).toBeLessThanOrEqual(count);
        expect(found).toBeGreaterThanOrEqual(count - error);
      }
    }),
  );
});
