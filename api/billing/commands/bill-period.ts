import { readCustomer } from "../repositories/customers.ts";
import { claimPeriod } from "../repositories/subscription-periods.ts";
import { type Subscription, saveSubscription } from "../repositories/subscriptions.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import type { CommandContext } from "./context.ts";
import { issueInvoice } from "./issue-invoice.ts";
import { type Terms, periodPrice, recurring } from "./subscription-terms.ts";

/** Days to pay an invoice of a subscription. */
export const SUBSCRIPTION_DUE_DAYS = 7;

/**
 * Bills the current period of a locked subscription and promises its renewal. A period that was billed before is not
 * billed again: the database knows its number. @returns the subscription as saved
 */
export async function billPeriod(
  context: CommandContext,
  subscription: Subscription,
  terms: Terms,
): Promise<Subscription> {
  const { tx } = context;
  const { id: subscriptionId, customerId, period, startMs, endMs } = subscription;
  const price = periodPrice(terms, subscription);
  const { country } = await readCustomer(tx, customerId);
  const taxRate = await taxRateFor(tx, country);
  const { gross, discount } = price;
  const billed = { gross, discount, taxRate };
  const claimed = await claimPeriod(tx, { subscriptionId, period, startMs, endMs }, billed);
  if (!claimed) return subscription;
  const { description, quantity, unitAmount } = price;
  const invoice = await issueInvoice(context, {
    customerId,
    subscriptionId,
    currency: subscription.currency,
    taxRate,
    memo: "",
    dueDays: SUBSCRIPTION_DUE_DAYS,
    lines: [
      {
        kind: "subscription",
        description,
        quantity,
        unitAmount,
        amount: gross,
        discount,
        period: { startMs, endMs },
      },
    ],
  });
  const mrr = recurring(terms, subscription, billed);
  const saved = { ...subscription, mrr, latestInvoiceId: invoice.id };
  await saveSubscription(tx, saved);
  await scheduleRenewal(context, saved);
  return saved;
}

/** The next period is billed when this one ends. */
export async function scheduleRenewal(
  { kit, tx }: CommandContext,
  it: Subscription,
): Promise<void> {
  await kit.jobs.add(tx, {
    kind: "renew-subscription",
    payload: { subscriptionId: it.id, period: it.period },
    runAtMs: it.endMs,
    key: `renew:${it.id}:${it.period}`,
  });
}
