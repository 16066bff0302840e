import * as fc from "fast-check";
import { expect, test } from "vitest";

import {
  allocate,
  divide,
  formatMoney,
  fromWire,
  money,
  negate,
  basisPointsOf,
  toWire,
} from "./money.ts";

const amounts = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

test("allocated parts add up to the amount and each is within one unit of its share", () => {
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(amounts, weights, (amount, shares) => {
      const parts = allocate(amount, shares);
      const total = shares.reduce((a, b) => a + b, 0n);
      expect(parts.reduce((a, b) => a + b, 0n)).toBe(amount);
      if (total === 0n) return;
      for (const [index, part] of parts.entries()) {
        const off = part * total - amount * (shares[index] ?? 0n);
        expect(off < total && off > -total).toBe(true);
      }
    }),
  );
});

test("division rounds charges and credits symmetrically", () => {
  fc.assert(
    fc.property(amounts, fc.bigInt({ min: 1n, max: 10n ** 12n }), (amount, by) => {
      expect(divide(-amount, by)).toBe(negate(divide(amount, by)));
      const off = divide(amount, by) * by - amount;
      expect((off < 0n ? -off : off) * 2n <= by).toBe(true);
    }),
  );
  expect(divide(5n, 2n)).toBe(3n);
  expect(divide(-5n, 2n)).toBe(-3n);
  expect(basisPointsOf(4_498n, 1_900)).toBe(855n);
});

test("fractions and integers beyond 2^53-1 are rejected in both directions", () => {
  expect(() => fromWire(0.1)).toThrow(RangeError);
  expect(() => fromWire(2 ** 53)).toThrow(RangeError);
  expect(() => toWire(money(2n ** 53n))).toThrow(RangeError);
  expect(toWire(fromWire(-12))).toBe(-12);
});

test("amounts are formatted with the digits of their currency", () => {
  expect(formatMoney(5n, "EUR")).toBe("0.05 EUR");
  expect(formatMoney(-1_234n, "EUR")).toBe("-12.34 EUR");
  expect(formatMoney(1_234n, "JPY")).toBe("1234 JPY");
  expect(formatMoney(1_234n, "KWD")).toBe("1.234 KWD");
  // The guilder of Curaçao and Sint Maarten since 2025.
  expect(formatMoney(1_234n, "XCG")).toBe("12.34 XCG");
});
