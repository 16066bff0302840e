import * as fc from "fast-check";
import { expect, test } from "vitest";

import { addMonths, periodAt } from "./calendar.ts";

const moments = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2099, 11) });
const iso = (ms: number): string => new Date(ms).toISOString();

test("a day that the month does not have becomes its last day, also in leap years", () => {
  const january = Date.parse("2028-01-31T23:59:59Z");
  expect(iso(addMonths(january, 1))).toBe("2028-02-29T23:59:59.000Z");
  expect(iso(addMonths(january, 2))).toBe("2028-03-31T23:59:59.000Z");
  expect(iso(addMonths(january, 13))).toBe("2029-02-28T23:59:59.000Z");
  expect(iso(addMonths(Date.parse("2028-02-29T00:00:00Z"), 12))).toBe("2029-02-28T00:00:00.000Z");
});

test("consecutive periods have no gap, advance by one month and keep the time of day", () => {
  fc.assert(
    fc.property(moments, fc.integer({ min: 0, max: 120 }), (anchorAtMs, index) => {
      const period = periodAt(anchorAtMs, "month", index);
      expect(periodAt(anchorAtMs, "month", index + 1).startMs).toBe(period.endMs);
      const [start, end] = [new Date(period.startMs), new Date(period.endMs)];
      const months = (it: Date): number => it.getUTCFullYear() * 12 + it.getUTCMonth();
      expect(months(end) - months(start)).toBe(1);
      expect(period.endMs % 86_400_000).toBe(anchorAtMs % 86_400_000);
    }),
  );
});
