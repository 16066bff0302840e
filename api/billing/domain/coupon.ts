import { addMonths } from "./calendar.ts";
import { formatMoney, type Money, ZERO, basisPointsOf, min } from "./money.ts";

export const COUPON_DURATIONS = ["once", "repeating", "forever"] as const;
type CouponDuration = (typeof COUPON_DURATIONS)[number];

/** Either basis points of the price, or an amount of one currency. */
export type CouponValue =
  | { kind: "percent"; basisPoints: number }
  | { kind: "amount"; amount: Money; currency: string };

export type CouponTerms = {
  value: CouponValue;
  /** Of which `minimumAmount` is, and for which alone the coupon is good; null: any. */
  currency: string | null;
  minimumAmount: Money;
  duration: CouponDuration;
  /** Only where it repeats. */
  durationMonths: number | null;
};

/** What a coupon takes off an amount: never more than all of it. */
const discountOf = (value: CouponValue, gross: bigint): Money =>
  value.kind === "percent" ? basisPointsOf(gross, value.basisPoints) : min(value.amount, gross);

/** Why a coupon is not good for what is bought, undefined where it is. */
export function couponRejection(
  terms: CouponTerms,
  bought: { currency: string; gross: bigint },
): string | undefined {
  if (terms.currency !== null && terms.currency !== bought.currency) {
    return `this coupon is for ${terms.currency}, the price is in ${bought.currency}`;
  }
  if (bought.gross < terms.minimumAmount) {
    return `this coupon needs at least ${formatMoney(terms.minimumAmount, bought.currency)} a period`;
  }
  return undefined;
}

/** Periods that begin before this moment are discounted; null: all. `first` is the first period that is paid for. */
export function discountEndsMs(
  terms: Pick<CouponTerms, "duration" | "durationMonths">,
  first: { startMs: number; endMs: number },
): number | null {
  if (terms.duration === "forever") return null;
  if (terms.duration === "once") return first.endMs;
  return addMonths(first.startMs, terms.durationMonths ?? 0);
}

/** The discount of a period that begins at a moment; none where the period costs less than the coupon asks for. */
export function periodDiscount(
  coupon: (Pick<CouponTerms, "value" | "minimumAmount"> & { endsMs: number | null }) | undefined,
  period: { gross: bigint; startMs: number },
): Money {
  if (coupon === undefined || period.gross < coupon.minimumAmount) return ZERO;
  if (coupon.endsMs !== null && period.startMs >= coupon.endsMs) return ZERO;
  return discountOf(coupon.value, period.gross);
}
