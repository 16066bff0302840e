import { AppError } from "#platform/errors.ts";

import { periodAt, wholeSecond } from "../domain/calendar.ts";
import { discountEndsAtMs } from "../domain/coupon.ts";
import { type LineDraft, taxedLine } from "../domain/invoice.ts";
import { ZERO, negate } from "../domain/money.ts";
import {
  type PeriodPrice,
  chargeLine,
  creditLine,
  limitCredit,
  prorationLines,
} from "../domain/proration.ts";
import { requireBillable } from "../domain/subscription.ts";
import type { TaxRate } from "../domain/tax.ts";
import { type Customer, readCustomer } from "../repositories/customers.ts";
import { refundableForPeriod, recordProration } from "../repositories/prorations.ts";
import { claimPeriod, readPeriod, repricePeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  recordPlanStart,
  saveSubscription,
} from "../repositories/subscriptions.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import { SUBSCRIPTION_DUE_DAYS, scheduleRenewal } from "./bill-period.ts";
import type { CommandContext } from "./context.ts";
import { issueInvoice } from "./issue-invoice.ts";
import { sellablePrice } from "./start-subscription.ts";
import {
  type Terms,
  periodPrice,
  publishSubscription,
  readTerms,
  recurringRevenue,
} from "./subscription-terms.ts";

export type Change = {
  priceId?: string | undefined;
  quantity?: number | undefined;
  paymentMethodId?: string | undefined;
  cancelAtPeriodEnd?: boolean | undefined;
};

/**
 * Changes a locked subscription. Another price or quantity takes effect now: an invoice credits the rest of the period
 * at the old price and charges it at the new one; another interval starts a new period. A trial is not charged.
 * @throws AppError conflict for a canceled or unpaid subscription; unprocessable for a price that is not for sale
 */
export async function changeSubscription(
  context: CommandContext,
  before: Subscription,
  change: Change,
): Promise<Subscription> {
  requireBillable(before.status);
  const { tx, nowMs } = context;
  const customer = await readCustomer(tx, before.customerId);
  const changed: Subscription = {
    ...before,
    priceId: change.priceId ?? before.priceId,
    quantity: change.quantity ?? before.quantity,
    paymentMethodId: change.paymentMethodId ?? before.paymentMethodId,
    cancelAtPeriodEnd: change.cancelAtPeriodEnd ?? before.cancelAtPeriodEnd,
    version: before.version + 1,
  };
  const terms = await readTerms(tx, changed);
  const repriced = changed.priceId !== before.priceId || changed.quantity !== before.quantity;
  if (repriced) await requireSellable(context, customer, { before, changed });
  await recordPlanStart(tx, customer.accountId, terms.plan.id);
  if (repriced && nowMs >= before.endMs) {
    throw new AppError(
      "conflict",
      "The subscription is about to be renewed: try again in a moment.",
    );
  }
  const step = { before, changed, terms };
  const saved = repriced ? await reprice(context, step) : changed;
  await saveSubscription(tx, saved);
  await publishSubscription(context, "changed", { subscription: saved, planId: terms.plan.id });
  return saved;
}

/** Lowering the quantity is always allowed, even if the price is archived. */
async function requireSellable(
  context: CommandContext,
  customer: Customer,
  { before, changed }: { before: Subscription; changed: Subscription },
): Promise<void> {
  if (changed.priceId === before.priceId && changed.quantity < before.quantity) return;
  await sellablePrice(context, customer, changed);
}

type Step = { before: Subscription; changed: Subscription; terms: Terms };

async function reprice(context: CommandContext, step: Step): Promise<Subscription> {
  if (step.before.status === "trialing") return repriceTrial(step);
  const old = await readTerms(context.tx, step.before);
  const oldPrice = await billedPrice(context, step.before, old);
  return old.price.interval === step.terms.price.interval
    ? changeInPeriod(context, step, oldPrice)
    : changeInterval(context, step, oldPrice);
}

/** Nothing is charged yet; the end of a discount follows from the first paid period of the new interval. */
function repriceTrial({ changed, terms: { price, coupon } }: Step): Subscription {
  if (coupon === undefined) return changed;
  const first = periodAt(changed.anchorAtMs, price.interval, 0);
  return { ...changed, discountEndsAtMs: discountEndsAtMs(coupon, first) };
}

/** The price at which the current period was last billed; the coupon may have changed since. */
export async function billedPrice(
  { tx }: CommandContext,
  subscription: Subscription,
  terms: Terms,
): Promise<PeriodPrice> {
  const { gross, discount } = await readPeriod(tx, {
    subscriptionId: subscription.id,
    period: subscription.period,
  });
  return { ...periodPrice(terms, subscription), gross, discount };
}

async function changeInPeriod(
  context: CommandContext,
  { before, changed, terms }: Step,
  oldPrice: PeriodPrice,
): Promise<Subscription> {
  const { tx } = context;
  const nowMs = wholeSecond(context.nowMs);
  const at = { subscriptionId: changed.id, period: changed.period };
  const { taxRate } = await readPeriod(tx, at);
  const price = periodPrice(terms, changed);
  const billed = { gross: price.gross, discount: price.discount, taxRate };
  await repricePeriod(tx, at, billed);
  const charge = chargeLine(price, changed, nowMs);
  const most = (await refundableForPeriod(tx, before)) + taxedLine(charge, taxRate).total;
  const credit = limitCredit(creditLine(oldPrice, changed, nowMs), taxRate, most);
  const lines = prorationLines({ credit, charge });
  const invoiceId = await issueProrationInvoice(context, before, { lines, taxRate });
  return { ...changed, latestInvoiceId: invoiceId, mrr: recurringRevenue(terms, changed, billed) };
}

/** A discount of a single period ends with the period that ends now. */
function discountEndsAfter({ coupon }: Terms, at: { before: Subscription; nowMs: number }) {
  const endsAtMs = at.before.discountEndsAtMs;
  return coupon?.duration === "once" && endsAtMs !== null ? Math.min(endsAtMs, at.nowMs) : endsAtMs;
}

/** Ends the current period now and starts the first one of the new interval. */
async function changeInterval(
  context: CommandContext,
  { before, changed, terms }: Step,
  oldPrice: PeriodPrice,
): Promise<Subscription> {
  const { tx } = context;
  const nowMs = wholeSecond(context.nowMs);
  const old = await readPeriod(tx, { subscriptionId: before.id, period: before.period });
  const { country } = await readCustomer(tx, before.customerId);
  const taxRate = await taxRateFor(tx, country);
  const next: Subscription = {
    ...changed,
    ...periodAt(nowMs, terms.price.interval, 0),
    discountEndsAtMs: discountEndsAfter(terms, { before, nowMs }),
    anchorAtMs: nowMs,
    anchorPeriod: before.period + 1,
    period: before.period + 1,
  };
  const price = periodPrice(terms, next);
  const billed = { gross: price.gross, discount: price.discount, taxRate };
  await claimPeriod(tx, { ...next, subscriptionId: next.id }, billed);
  const rest = creditLine(oldPrice, before, nowMs);
  const credit = limitCredit(rest, old.taxRate, await refundableForPeriod(tx, before));
  const lines = prorationLines({
    credit: { ...credit, taxRate: old.taxRate },
    charge: chargeLine(price, next, nowMs),
  });
  const invoiceId = await issueProrationInvoice(context, before, { lines, taxRate });
  await scheduleRenewal(context, next);
  return { ...next, latestInvoiceId: invoiceId, mrr: recurringRevenue(terms, next, billed) };
}

/** Issues the invoice of credits and charges within a period of `before`. @returns its id */
export async function issueProrationInvoice(
  context: CommandContext,
  before: Subscription,
  { lines, taxRate }: { lines: LineDraft[]; taxRate: TaxRate },
): Promise<string> {
  const { customerId, id: subscriptionId, currency } = before;
  const invoice = await issueInvoice(context, {
    customerId,
    subscriptionId,
    currency,
    taxRate,
    lines,
    memo: "",
    dueDays: SUBSCRIPTION_DUE_DAYS,
  });
  if (invoice.total < ZERO) await recordProration(context.tx, before, negate(invoice.total));
  return invoice.id;
}
