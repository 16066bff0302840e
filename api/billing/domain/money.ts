import { minorDigits } from "./currencies.ts";

declare const minor: unique symbol;

/**
 * An amount of one currency in its minor unit (cents of EUR, whole JPY). It is a bigint that only this file makes, so
 * that no float gets near it: what comes from outside goes through `fromWire`, what leaves through `toWire`.
 */
export type Money = bigint & { readonly [minor]: true };

/** The most that one amount or one total may be. */
export const MONEY_MAX = 10n ** 12n;
/** The same, as a bound of numbers on the wire. */
export const WIRE_MAX = 1_000_000_000_000;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where money is made
export const money = (units: bigint): Money => units as Money;
export const ZERO: Money = money(0n);

/** @throws RangeError for what is no whole number that a double holds exactly */
export function fromWire(units: number): Money {
  if (!Number.isSafeInteger(units)) throw new RangeError(`${units} is no whole amount`);
  return money(BigInt(units));
}

/** A JSON integer. @throws RangeError above 2^53-1, where JSON readers would round */
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
 * Division that rounds to the nearest unit, halves away from zero (commercial rounding). It is symmetric: the credit of
 * a charge is exactly its negative. @throws RangeError unless the divisor is positive
 */
export function divide(dividend: bigint, divisor: bigint): Money {
  if (divisor <= 0n) throw new RangeError("money is divided by positive numbers only");
  const rounded = (abs(dividend) * 2n + divisor) / (divisor * 2n);
  return money(dividend < 0n ? -rounded : rounded);
}

export const BASIS_POINTS = 10_000n;

/** So many basis points (1/100 %) of an amount, rounded as `divide` does. */
export const basisPointsOf = (amount: bigint, basisPoints: number): Money =>
  divide(amount * BigInt(basisPoints), BASIS_POINTS);

/**
 * Splits an amount by weights so that the parts add up to it exactly: largest remainder (Hamilton), the earlier part
 * first where remainders are equal. Weights are not negative; where all are zero the first part takes all.
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
  const favoured = parts
    .toSorted((a, b) =>
      a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1,
    )
    .slice(0, left);
  const extra = new Set(favoured.map((it) => it.index));
  return parts.map(({ index, units }) => {
    const part = units + (extra.has(index) ? 1n : 0n);
    return money(amount < 0n ? -part : part);
  });
}

/** `12.34 EUR` of 1234, `1234 JPY` of 1234: for people. */
export function formatMoney(amount: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const text = abs(amount)
    .toString()
    .padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = digits === 0 ? "" : `.${text.slice(-digits)}`;
  return `${amount < 0n ? "-" : ""}${whole}${fraction} ${currency}`;
}
