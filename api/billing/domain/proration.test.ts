import * as fc from "fast-check";
import { expect, test } from "vitest";

import { taxedLine, totalsOf } from "./invoice.ts";
import { abs, fromWire, money, sum } from "./money.ts";
import {
  type PeriodPrice,
  carriedBalance,
  chargeLine,
  creditLine,
  prorate,
  prorationLines,
} from "./proration.ts";
import { mrrOf } from "./subscription.ts";

const DAY_S = 86_400;
const times = fc
  .record({
    startS: fc.integer({ min: 0, max: 4_000_000_000 }),
    days: fc.integer({ min: 28, max: 366 }),
    part: fc.integer({ min: 0, max: 1_000_000 }),
  })
  .map(({ startS, days, part }) => {
    const period = { startMs: startS * 1_000, endMs: (startS + days * DAY_S) * 1_000 };
    const passedS = Math.floor((days * DAY_S * part) / 1_000_000);
    return { period, nowMs: period.startMs + passedS * 1_000 };
  });
const amount = fc.bigInt({ min: 0n, max: 10n ** 11n });
const price = fc
  .record({ gross: amount, off: fc.integer({ min: 0, max: 100 }) })
  .map(({ gross, off }): PeriodPrice => ({
    description: "Plan",
    quantity: 1,
    unitAmount: money(gross),
    gross: money(gross),
    discount: money((gross * BigInt(off)) / 100n),
  }));
const taxRate = fc.record({
  basisPoints: fc.integer({ min: 0, max: 10_000 }),
  inclusive: fc.boolean(),
});

test("proration is the whole price at the start, zero at the end, and in between otherwise", () => {
  fc.assert(
    fc.property(times, amount, ({ period, nowMs }, gross) => {
      expect(prorate(gross, period, period.startMs)).toBe(gross);
      expect(prorate(gross, period, period.endMs)).toBe(0n);
      const left = prorate(gross, period, nowMs);
      expect(left >= 0n && left <= gross).toBe(true);
    }),
  );
});

test("changing to another price and back in the same second nets to zero, including tax", () => {
  fc.assert(
    fc.property(times, fc.tuple(price, price), taxRate, ({ period, nowMs }, [one, other], rate) => {
      const there = [creditLine(one, period, nowMs), chargeLine(other, period, nowMs)];
      const back = [creditLine(other, period, nowMs), chargeLine(one, period, nowMs)];
      const totals = [there, back].map(
        (lines) => totalsOf(lines.map((line) => taxedLine(line, rate))).total,
      );
      expect(sum(totals)).toBe(0n);
    }),
  );
});

test("a credit is never more than what was charged for the period", () => {
  fc.assert(
    fc.property(times, price, ({ period, nowMs }, it) => {
      const { amount: given, discount } = creditLine(it, period, nowMs);
      expect(given <= 0n && abs(given) <= it.gross).toBe(true);
      // Amount and discount are each rounded by at most half a unit.
      expect(discount - given <= it.gross - it.discount + 1n).toBe(true);
    }),
  );
});

test("monthly recurring revenue is a twelfth of a yearly price without tax, and zero in a trial", () => {
  const vat = { basisPoints: 2_000, inclusive: true };
  const gross = fromWire(12_000);
  const yearly = { interval: "year", gross, discount: 0n, taxRate: vat } as const;
  expect(mrrOf({ ...yearly, status: "active" })).toBe(833n);
  expect(mrrOf({ ...yearly, status: "trialing" })).toBe(0n);
});

test("the last line of a proration is its charge, as it decides to which period a loss belongs", () => {
  fc.assert(
    fc.property(times, fc.tuple(price, price), ({ period, nowMs }, [before, after]) => {
      const credit = creditLine(before, period, nowMs);
      const charge = chargeLine(after, period, nowMs);
      expect(prorationLines({ charge, credit })).toEqual([credit, charge]);
    }),
  );
});

test("a deficit is carried through all periods until it is covered, a surplus never", () => {
  const units = fc.array(fc.bigInt({ min: -1_000n, max: 1_000n }), { maxLength: 8 });
  fc.assert(
    fc.property(units, (all) => {
      const sumsOfLast = all.map((_, index) => sum(all.slice(index)));
      const [least = 0n] = sumsOfLast.toSorted((a, b) => (a < b ? -1 : 1));
      expect(carriedBalance(all)).toBe(least > 0n ? least : 0n);
    }),
  );
});
