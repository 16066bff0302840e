import { readCustomer } from "../repositories/customers.ts";
import { claimPeriod } from "../repositories/subscription-periods.ts";
import { type Subscription, saveSubscription } from "../repositories/subscriptions.ts";
import { taxRateFor } from "../repositories/tax-rates.ts";
import type { CommandContext } from "./context.ts";
import { issueInvoice } from "./issue-invoice.ts";
import { type Terms, periodPrice, recurringRevenue } from "./subscription-terms.ts";

export const SUBSCRIPTION_DUE_DAYS = 7;

/** Bills the current period of a locked subscription, once, and schedules its renewal. @returns the saved subscription */
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
  const mrr = recurringRevenue(terms, subscription, billed);
  const saved = { ...subscription, mrr, latestInvoiceId: invoice.id };
  await saveSubscription(tx, saved);
  await scheduleRenewal(context, saved);
  return saved;
}

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
