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

/** `unpaid` and `canceled` bill no more; `unpaid` may still be recovered. */
export const isBillable = (status: SubscriptionStatus): boolean =>
  status === "trialing" || status === "active" || status === "past_due";

/** @throws AppError conflict for a subscription that has ended or whose isBillable are not paid */
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
  /** What goes on being taken off; zero for a discount of one period. */
  discount: bigint;
  taxRate: TaxRate;
};

/** Monthly recurring revenue: of what is paid for, without tax and after lasting discounts; a year counts a twelfth. */
export function mrrOf({ status, interval, gross, discount, taxRate }: Recurring): Money {
  if (status !== "active" && status !== "past_due") return ZERO;
  const charged = gross - discount;
  const net = taxRate.inclusive ? charged - taxOf(charged, taxRate) : charged;
  return interval === "year" ? divide(net, 12n) : money(net);
}
