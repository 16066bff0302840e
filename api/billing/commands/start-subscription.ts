import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { addDays, periodAt, wholeSecond } from "../domain/calendar.ts";
import { discountEndsAtMs, couponRejection } from "../domain/coupon.ts";
import { MONEY_MAX, ZERO, formatMoney } from "../domain/money.ts";
import { grossOf } from "../domain/proration.ts";
import { NO_TAX } from "../domain/tax.ts";
import { type Price, readPlan, readPrice } from "../repositories/catalog.ts";
import { type Coupon, recordRedemption, claimRedemption } from "../repositories/coupons.ts";
import type { Customer } from "../repositories/customers.ts";
import { claimPeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  insertSubscription,
  recordPlanStart,
} from "../repositories/subscriptions.ts";
import { billPeriod, scheduleRenewal } from "./bill-period.ts";
import type { CommandContext } from "./context.ts";
import { type Terms, publishSubscription } from "./subscription-terms.ts";

/** Leaves room for any tax, so that a renewal never exceeds the maximum of an invoice. */
const PERIOD_MAX = MONEY_MAX / 2n;

type Order = {
  priceId: string;
  quantity: number;
  couponCode?: string | undefined;
  paymentMethodId?: string | undefined;
};

/**
 * Subscribes a locked customer, with a trial if the price has one and the account never had the plan; otherwise the
 * first period is billed now. @throws AppError that names the field of a price or coupon that is not valid here
 */
export async function startSubscription(
  context: CommandContext,
  customer: Customer,
  order: Order,
): Promise<Subscription> {
  const { tx, nowMs } = context;
  const price = await sellablePrice(context, customer, order);
  const plan = await readPlan(tx, price.planId);
  const isNew = await recordPlanStart(tx, customer.accountId, plan.id);
  const trial = price.trialDays > 0 && isNew;
  const startMs = wholeSecond(nowMs);
  const anchorAtMs = trial ? addDays(startMs, price.trialDays) : startMs;
  const first = periodAt(anchorAtMs, price.interval, 0);
  const coupon = await claimCoupon(context, order, price);
  const subscription: Subscription = {
    id: newId("sub"),
    customerId: customer.id,
    priceId: price.id,
    quantity: order.quantity,
    status: trial ? "trialing" : "active",
    currency: price.currency,
    mrr: ZERO,
    anchorAtMs,
    anchorPeriod: trial ? 2 : 1,
    period: 1,
    startMs,
    endMs: trial ? anchorAtMs : first.endMs,
    cancelAtPeriodEnd: false,
    canceledAtMs: null,
    couponId: coupon?.id ?? null,
    discountEndsAtMs: coupon === undefined ? null : discountEndsAtMs(coupon, first),
    paymentMethodId: order.paymentMethodId ?? null,
    latestInvoiceId: null,
    version: 1,
    createdAtMs: nowMs,
  };
  await insertSubscription(tx, subscription);
  if (coupon !== undefined) await redeem(context, subscription, coupon);
  const terms: Terms = { plan, price, coupon };
  const started = trial
    ? await startTrial(context, subscription)
    : await billPeriod(context, subscription, terms);
  await publishSubscription(context, "created", { subscription: started, planId: plan.id });
  return started;
}

async function startTrial(context: CommandContext, it: Subscription): Promise<Subscription> {
  const free = { gross: ZERO, discount: ZERO, taxRate: NO_TAX };
  await claimPeriod(context.tx, { ...it, subscriptionId: it.id }, free);
  await scheduleRenewal(context, it);
  return it;
}

/** @throws AppError unless the price is for sale to this customer */
export async function sellablePrice(
  { tx }: CommandContext,
  customer: Pick<Customer, "currency">,
  { priceId, quantity }: Pick<Order, "priceId" | "quantity">,
): Promise<Price> {
  const price = await readPrice(tx, priceId).catch((error: unknown) => {
    if (error instanceof AppError) throw refused("priceId", error.message);
    throw error;
  });
  const plan = await readPlan(tx, price.planId);
  if (price.archived || plan.archived) {
    throw refused("priceId", "this price is archived: choose one that is for sale");
  }
  if (price.currency !== customer.currency) {
    throw refused(
      "priceId",
      `this price is in ${price.currency}, the customer pays in ${customer.currency}`,
    );
  }
  if (grossOf(price.unitAmount, quantity) > PERIOD_MAX) {
    const most = formatMoney(PERIOD_MAX, price.currency);
    throw refused("quantity", `at most ${most} can be billed for a period`);
  }
  return price;
}

async function claimCoupon(
  { tx, nowMs }: CommandContext,
  { couponCode, quantity }: Order,
  price: Price,
): Promise<Coupon | undefined> {
  if (couponCode === undefined) return undefined;
  const coupon = await claimRedemption(tx, couponCode, nowMs);
  if (coupon === undefined) {
    throw new AppError(
      "conflict",
      "This coupon does not exist, has expired, or has no redemptions left.",
      {
        fields: [
          {
            path: "body.couponCode",
            code: "coupon_not_available",
            message: "omit it, or use another one",
          },
        ],
      },
    );
  }
  const gross = grossOf(price.unitAmount, quantity);
  const rejection = couponRejection(coupon, { currency: price.currency, gross });
  if (rejection !== undefined) throw refused("couponCode", rejection);
  return coupon;
}

async function redeem(
  { tx, nowMs }: CommandContext,
  { id: subscriptionId, customerId }: Subscription,
  { id: couponId }: Coupon,
): Promise<void> {
  if (await recordRedemption(tx, { couponId, customerId, subscriptionId, nowMs })) return;
  throw new AppError("conflict", "This account has already redeemed this coupon.", {
    fields: [
      { path: "body.couponCode", code: "coupon_used", message: "each account can redeem it once" },
    ],
  });
}

const refused = (field: string, message: string): AppError =>
  new AppError("unprocessable", `${field}: ${message}.`, {
    fields: [{ path: `body.${field}`, code: "refused", message }],
  });
