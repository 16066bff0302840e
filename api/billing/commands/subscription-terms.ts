import type { Queryable } from "#platform/postgres/database.ts";

import { periodDiscount } from "../domain/coupon.ts";
import { type Money, ZERO, toWire } from "../domain/money.ts";
import { type PeriodPrice, grossOf } from "../domain/proration.ts";
import { mrrOf } from "../domain/subscription.ts";
import type { TaxRate } from "../domain/tax.ts";
import { type Plan, type Price, readPlan, readPrice } from "../repositories/catalog.ts";
import { type Coupon, readCoupon } from "../repositories/coupons.ts";
import type { Subscription } from "../repositories/subscriptions.ts";
import { type CommandContext, publish } from "./context.ts";

/** The data that determines the price of a subscription. */
export type Terms = { plan: Plan; price: Price; coupon: Coupon | undefined };

export async function readTerms(
  tx: Queryable,
  { priceId, couponId }: Pick<Subscription, "priceId" | "couponId">,
): Promise<Terms> {
  const price = await readPrice(tx, priceId);
  return {
    price,
    plan: await readPlan(tx, price.planId),
    coupon: couponId === null ? undefined : await readCoupon(tx, couponId),
  };
}

/** The price of a whole period that starts at `startMs`. */
export function periodPrice(
  { plan, price, coupon }: Terms,
  subscription: Pick<Subscription, "quantity" | "startMs" | "discountEndsAtMs">,
): PeriodPrice {
  const { quantity, startMs, discountEndsAtMs: endsAtMs } = subscription;
  const gross = grossOf(price.unitAmount, quantity);
  const discount = coupon === undefined ? undefined : { ...coupon, endsAtMs };
  return {
    description: plan.name,
    quantity,
    unitAmount: price.unitAmount,
    gross,
    discount: periodDiscount(discount, { gross, startMs }),
  };
}

/** Monthly recurring revenue; a discount of a single period does not recur. */
export function recurringRevenue(
  terms: Terms,
  subscription: Pick<Subscription, "status">,
  billed: { gross: Money; discount: Money; taxRate: TaxRate },
): Money {
  const recurringDiscount = terms.coupon?.duration === "once" ? ZERO : billed.discount;
  const { interval } = terms.price;
  return mrrOf({ ...billed, status: subscription.status, interval, discount: recurringDiscount });
}

export function publishSubscription(
  context: CommandContext,
  event: "created" | "changed" | "canceled",
  { subscription, planId }: { subscription: Subscription; planId: string },
): Promise<void> {
  return publish(context, {
    type: `subscription.${event}`,
    subject: subscription.id,
    data: {
      subscriptionId: subscription.id,
      customerId: subscription.customerId,
      planId,
      priceId: subscription.priceId,
      quantity: subscription.quantity,
      status: subscription.status,
      currency: subscription.currency,
      mrr: toWire(subscription.mrr),
    },
  });
}
