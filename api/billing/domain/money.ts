import { minorDigits } from "./currencies.ts";

declare const minor: unique symbol;

/**
 * An amount in the minor unit of a currency (cents of EUR, whole JPY). Only this file creates it, so it is never a
 * float: JSON numbers are converted by `fromWire` and `toWire`.
 */
export type Money = bigint & { readonly [minor]: true };

/** Maximum of a single amount or total. */
export const MONEY_MAX = 10n ** 12n;
/** `MONEY_MAX` as a JSON number. */
export const WIRE_MAX = 1_000_000_000_000;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only constructor
export const money = (units: bigint): Money => units as Money;
export const ZERO: Money = money(0n);

/** @throws RangeError unless it is a safe integer */
export function fromWire(units: number): Money {
  if (!Number.isSafeInteger(units)) throw new RangeError(`${units} is not a whole amount`);
  return money(BigInt(units));
}

/** @throws RangeError beyond 2^53-1, where JSON parsers would round */
export function toWire(amount: bigint): number {
  const units = Number(amount);
  if (!Number.isSafeInteger(units)) throw new RangeError(`${amount} does not fit a JSON integer`);
  return units;
}

export const sum = (amounts: readonly bigint[]): Money =>
  money(amounts.reduce((total, it) => total + it, 0n));
export const negate = (amount: bigint): Money => money(-amount);
export const min = (a: bigint, b: bigint): Money => money(a < b ? a : b);
export const abs = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

/**
 * Rounds half away from zero (commercial rounding), so that the credit of a charge is exactly its negative.
 * @throws RangeError unless the divisor is positive
 */
export function divide(dividend: bigint, divisor: bigint): Money {
  if (divisor <= 0n) throw new RangeError("the divisor must be positive");
  const rounded = (abs(dividend) * 2n + divisor) / (divisor * 2n);
  return money(dividend < 0n ? -rounded : rounded);
}

export const BASIS_POINTS = 10_000n;

/** Rounded like `divide`; a basis point is 1/100 %. */
export const basisPointsOf = (amount: bigint, basisPoints: number): Money =>
  divide(amount * BigInt(basisPoints), BASIS_POINTS);

/**
 * Splits an amount by non-negative weights with the largest remainder method (Hamilton), so that the parts add up to it;
 * of equal remainders the earlier one is first. If all weights are zero, the first part is the whole amount.
 */
export function allocate(amount: bigint, weights: readonly bigint[]): Money[] {
  const total = weights.reduce((a, b) => a + b, 0n);
  if (total === 0n) return weights.map((_, index) => money(index === 0 ? amount : 0n));
  const size = abs(amount);
  const parts = weights.map((weight, index) => ({
    index,
    units: (size * weight) / total,
    remainder: (size * weight) % total,
  }));
  const left = Number(size - parts.reduce((a, it) => a + it.units, 0n));
  const roundedUp = parts
    .toSorted((a, b) =>
      a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1,
    )
    .slice(0, left);
  const extra = new Set(roundedUp.map((it) => it.index));
  return parts.map(({ index, units }) => {
    const part = units + (extra.has(index) ? 1n : 0n);
    return money(amount < 0n ? -part : part);
  });
}

/** 1234 as `12.34 EUR` or `1234 JPY`. */
export function formatMoney(amount: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const text = abs(amount)
    .toString()
    .padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = digits === 0 ? "" : `.${text.slice(-digits)}`;
  return `${amount < 0n ? "-" : ""}${whole}${fraction} ${currency}`;
}
