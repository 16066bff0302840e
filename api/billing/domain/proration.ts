import type { Period } from "./calendar.ts";
import { type LineDraft, taxedLine } from "./invoice.ts";
import { type Money, ZERO, divide, min, money, negate } from "./money.ts";
import type { TaxRate } from "./tax.ts";

const SECOND_MS = 1_000;

/** The share of an amount for the rest of a period: amount × seconds left / seconds of the period, rounded once. */
export function prorate(amount: bigint, period: Period, nowMs: number): Money {
  const whole = seconds(period.endMs - period.startMs);
  const left = seconds(period.endMs - Math.min(Math.max(nowMs, period.startMs), period.endMs));
  return divide(amount * left, whole);
}

const seconds = (ms: number): bigint => BigInt(Math.floor(ms / SECOND_MS));

/** The price of a whole period. */
export type PeriodPrice = {
  description: string;
  quantity: number;
  unitAmount: Money;
  gross: Money;
  discount: Money;
};

/** Credits the rest of a period: the negative of `chargeLine`. */
export function creditLine(price: PeriodPrice, period: Period, nowMs: number): LineDraft {
  return {
    ...restOf(price, period, nowMs),
    kind: "proration_credit",
    amount: negate(prorate(price.gross, period, nowMs)),
    discount: negate(prorate(price.discount, period, nowMs)),
  };
}

/** Limits a credit line to `most` (with tax, not negative), as the rest was returned before. */
export function limitCredit(line: LineDraft, taxRate: TaxRate, most: bigint): LineDraft {
  const total = negate(taxedLine(line, taxRate).total);
  if (total <= most) return line;
  const net = line.amount - line.discount;
  return { ...line, amount: money((net * most) / total), discount: ZERO };
}

export function chargeLine(price: PeriodPrice, period: Period, nowMs: number): LineDraft {
  return {
    ...restOf(price, period, nowMs),
    kind: "proration_charge",
    amount: prorate(price.gross, period, nowMs),
    discount: prorate(price.discount, period, nowMs),
  };
}

/**
 * The lines of one invoice that replaces the rest of a period. The charge is last, because a loss of the invoice counts
 * for the period of its last line (repositories/prorations.ts).
 */
export const prorationLines = (lines: { credit: LineDraft; charge: LineDraft }): LineDraft[] => [
  lines.credit,
  lines.charge,
];

/**
 * What may still be returned for the last of consecutive periods, given what is left of each: billed, less credited and
 * lost. What is left of an earlier period is the price of the time that was used. If it is negative, more was lost than
 * that: this reduces what its remaining value was carried into.
 */
export function carriedBalance(units: readonly bigint[]): Money {
  let balance = 0n;
  for (const left of units) balance = left + min(balance, 0n);
  return balance > 0n ? money(balance) : ZERO;
}

const restOf = (
  { description, quantity, unitAmount }: PeriodPrice,
  period: Period,
  nowMs: number,
) => ({
  description,
  quantity,
  unitAmount,
  period: { startMs: nowMs, endMs: period.endMs },
});

export const grossOf = (unitAmount: bigint, quantity: number): Money =>
  money(unitAmount * BigInt(quantity));
