import type { Period } from "./calendar.ts";
import { type LineDraft, taxedLine } from "./invoice.ts";
import { type Money, ZERO, divide, money, negate } from "./money.ts";
import type { TaxRate } from "./tax.ts";

const SECOND_MS = 1_000;

/**
 * The part of an amount that falls on what is left of a period, to the second: amount × seconds left / seconds of the
 * period, rounded once. All of it at the start, nothing at the end.
 */
export function prorate(amount: bigint, period: Period, nowMs: number): Money {
  const whole = seconds(period.endMs - period.startMs);
  const left = seconds(period.endMs - Math.min(Math.max(nowMs, period.startMs), period.endMs));
  return divide(amount * left, whole);
}

const seconds = (ms: number): bigint => BigInt(Math.floor(ms / SECOND_MS));

/** What a whole period costs. */
export type PeriodPrice = {
  description: string;
  quantity: number;
  unitAmount: Money;
  gross: Money;
  discount: Money;
};

/** Takes back what was charged for the rest of a period: the negative of what `chargeLine` would charge for it now. */
export function creditLine(price: PeriodPrice, period: Period, nowMs: number): LineDraft {
  return {
    ...restOf(price, period, nowMs),
    kind: "proration_credit",
    amount: negate(prorate(price.gross, period, nowMs)),
    discount: negate(prorate(price.discount, period, nowMs)),
  };
}

/** A credit line that gives back no more than `most` (with tax, not negative): what is over was given back before. */
export function limitCredit(line: LineDraft, taxRate: TaxRate, most: bigint): LineDraft {
  const asked = negate(taxedLine(line, taxRate).total);
  if (asked <= most) return line;
  const net = line.amount - line.discount;
  return { ...line, amount: money((net * most) / asked), discount: ZERO };
}

/** Charges for the rest of a period. */
export function chargeLine(price: PeriodPrice, period: Period, nowMs: number): LineDraft {
  return {
    ...restOf(price, period, nowMs),
    kind: "proration_charge",
    amount: prorate(price.gross, period, nowMs),
    discount: prorate(price.discount, period, nowMs),
  };
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

/** The price of so many units for a period. */
export const grossOf = (unitAmount: bigint, quantity: number): Money =>
  money(unitAmount * BigInt(quantity));
