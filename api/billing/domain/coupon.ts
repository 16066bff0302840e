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
  /** The only currency that the coupon applies to, also the currency of `minimumAmount`; null: any. */
  currency: string | null;
  minimumAmount: Money;
  duration: CouponDuration;
  /** Only for `repeating`. */
  durationMonths: number | null;
};

/** The discount on a gross amount: never more than the amount itself. */
const discountOf = (value: CouponValue, gross: bigint): Money =>
  value.kind === "percent" ? basisPointsOf(gross, value.basisPoints) : min(value.amount, gross);

/** Why a coupon does not apply to a purchase; undefined if it does. */
export function couponRejection(
  terms: CouponTerms,
  purchase: { currency: string; gross: bigint },
): string | undefined {
  if (terms.currency !== null && terms.currency !== purchase.currency) {
    return `this coupon is for ${terms.currency}, the price is in ${purchase.currency}`;
  }
  if (purchase.gross < terms.minimumAmount) {
    return `this coupon needs at least ${formatMoney(terms.minimumAmount, purchase.currency)} a period`;
  }
  return undefined;
}

/** Periods that start before this time are discounted; null: all. `first` is the first paid period. */
export function discountEndsAtMs(
  terms: Pick<CouponTerms, "duration" | "durationMonths">,
  first: { startMs: number; endMs: number },
): number | null {
  if (terms.duration === "forever") return null;
  if (terms.duration === "once") return first.endMs;
  return addMonths(first.startMs, terms.durationMonths ?? 0);
}

/** The discount of a period; zero if it costs less than the coupon's minimum. */
export function periodDiscount(
  coupon: (Pick<CouponTerms, "value" | "minimumAmount"> & { endsAtMs: number | null }) | undefined,
  period: { gross: bigint; startMs: number },
): Money {
  if (coupon === undefined || period.gross < coupon.minimumAmount) return ZERO;
  if (coupon.endsAtMs !== null && period.startMs >= coupon.endsAtMs) return ZERO;
  return discountOf(coupon.value, period.gross);
}
