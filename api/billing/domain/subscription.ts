import { AppError } from "#platform/errors.ts";

import type { Interval } from "./calendar.ts";
import { type Money, ZERO, divide, money } from "./money.ts";
import { type TaxRate, taxOf } from "./tax.ts";

export const SUBSCRIPTION_STATUSES = [
  "trialing",
  "active",
  "past_due",
  "unpaid",
  "canceled",
] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** `unpaid` and `canceled` are not billed; `unpaid` may still recover. */
export const isBillable = (status: SubscriptionStatus): boolean =>
  status === "trialing" || status === "active" || status === "past_due";

/** @throws AppError conflict for an unpaid or canceled subscription */
export function requireBillable(status: SubscriptionStatus): void {
  if (isBillable(status)) return;
  throw new AppError(
    "conflict",
    status === "unpaid"
      ? "The subscription is unpaid: pay its open invoices first."
      : "The subscription is canceled: start a new one.",
  );
}

type Recurring = {
  status: SubscriptionStatus;
  interval: Interval;
  gross: bigint;
  /** Zero for a discount of a single period. */
  discount: bigint;
  taxRate: TaxRate;
};

/** Monthly recurring revenue without tax, after recurring discounts. */
export function mrrOf({ status, interval, gross, discount, taxRate }: Recurring): Money {
  if (status !== "active" && status !== "past_due") return ZERO;
  const charged = gross - discount;
  const net = taxRate.inclusive ? charged - taxOf(charged, taxRate) : charged;
  return interval === "year" ? divide(net, 12n) : money(net);
}
