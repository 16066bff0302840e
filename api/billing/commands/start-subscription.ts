import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { addDays, periodAt, wholeSecond } from "../domain/calendar.ts";
import { discountEndsMs, couponRejection } from "../domain/coupon.ts";
import { MONEY_MAX, ZERO, formatMoney } from "../domain/money.ts";
import { grossOf } from "../domain/proration.ts";
import { NO_TAX } from "../domain/tax.ts";
import { type Price, readPlan, readPrice } from "../repositories/catalog.ts";
import { type Coupon, recordRedemption, claimRedemption } from "../repositories/coupons.ts";
import type { Customer } from "../repositories/customers.ts";
import { claimPeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  recordPlanStart,
  saveSubscription,
} from "../repositories/subscriptions.ts";
import { billPeriod, scheduleRenewal } from "./bill-period.ts";
import type { CommandContext } from "./context.ts";
import { type Terms, publishSubscription } from "./subscription-terms.ts";

/** Whatever tax a country may put on top later, a renewal is never too much for one invoice. */
const PERIOD_MAX = MONEY_MAX / 2n;

export type Wanted = {
  priceId: string;
  quantity: number;
  couponCode?: string | undefined;
  paymentMethodId?: string | undefined;
};

/**
 * Subscribes a locked customer: a trial first, where the price has one and the account never had the plan; else the
 * first period is billed at once.
 * @throws AppError that names the field: a price that is not sold (any more) or of another currency, a coupon that is not
 *   good
 */
export async function startSubscription(
  context: CommandContext,
  customer: Customer,
  wanted: Wanted,
): Promise<Subscription> {
  const { tx, nowMs } = context;
  const price = await sellablePrice(context, customer, wanted);
  const plan = await readPlan(tx, price.planId);
  const isNew = await recordPlanStart(tx, customer.accountId, plan.id);
  const trial = price.trialDays > 0 && isNew;
  const startMs = wholeSecond(nowMs);
  const anchorMs = trial ? addDays(startMs, price.trialDays) : startMs;
  const first = periodAt(anchorMs, price.interval, 0);
  const coupon = await claimCoupon(context, wanted, price);
  const subscription: Subscription = {
    id: newId("sub"),
    customerId: customer.id,
    priceId: price.id,
    quantity: wanted.quantity,
    status: trial ? "trialing" : "active",
    currency: price.currency,
    mrr: ZERO,
    anchorMs,
    anchorPeriod: trial ? 2 : 1,
    period: 1,
    startMs,
    endMs: trial ? anchorMs : first.endMs,
    cancelAtPeriodEnd: false,
    canceledMs: null,
    couponId: coupon?.id ?? null,
    discountEndsMs: coupon === undefined ? null : discountEndsMs(coupon, first),
    paymentMethodId: wanted.paymentMethodId ?? null,
    latestInvoiceId: null,
    version: 1,
    createdMs: nowMs,
  };
  await saveSubscription(tx, subscription);
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

/** @throws AppError where the price cannot be bought by this customer */
export async function sellablePrice(
  { tx }: CommandContext,
  customer: Pick<Customer, "currency">,
  { priceId, quantity }: Pick<Wanted, "priceId" | "quantity">,
): Promise<Price> {
  const price = await readPrice(tx, priceId).catch((error: unknown) => {
    if (error instanceof AppError) throw refused("priceId", error.message);
    throw error;
  });
  const plan = await readPlan(tx, price.planId);
  if (price.archived || plan.archived) {
    throw refused("priceId", "this price is archived: choose one that is still sold");
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
  { couponCode, quantity }: Wanted,
  price: Price,
): Promise<Coupon | undefined> {
  if (couponCode === undefined) return undefined;
  const coupon = await claimRedemption(tx, couponCode, nowMs);
  if (coupon === undefined) {
    throw new AppError("conflict", "This coupon is not known, has expired, or is used up.", {
      fields: [
        {
          path: "body.couponCode",
          code: "coupon_not_available",
          message: "leave it out, or take another one",
        },
      ],
    });
  }
  const gross = grossOf(price.unitAmount, quantity);
  const refusal = couponRejection(coupon, { currency: price.currency, gross });
  if (refusal !== undefined) throw refused("couponCode", refusal);
  return coupon;
}

async function redeem(
  { tx, nowMs }: CommandContext,
  { id: subscriptionId, customerId }: Subscription,
  { id: couponId }: Coupon,
): Promise<void> {
  if (await recordRedemption(tx, { couponId, customerId, subscriptionId, nowMs })) return;
  throw new AppError("conflict", "This account has used this coupon before.", {
    fields: [
      { path: "body.couponCode", code: "coupon_used", message: "it is good once for an account" },
    ],
  });
}

const refused = (field: string, message: string): AppError =>
  new AppError("unprocessable", `${field}: ${message}.`, {
    fields: [{ path: `body.${field}`, code: "refused", message }],
  });
