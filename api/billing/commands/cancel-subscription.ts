import { AppError } from "#platform/errors.ts";

import { wholeSecond } from "../domain/calendar.ts";
import { ZERO } from "../domain/money.ts";
import { creditLine, limitCredit } from "../domain/proration.ts";
import { isBillable } from "../domain/subscription.ts";
import { refundableForPeriod } from "../repositories/prorations.ts";
import { readPeriod } from "../repositories/subscription-periods.ts";
import { type Subscription, saveSubscription } from "../repositories/subscriptions.ts";
import { billedPrice, issueProrationInvoice } from "./change-subscription.ts";
import type { CommandContext } from "./context.ts";
import { publishSubscription, readTerms } from "./subscription-terms.ts";

export type CancelAt = "now" | "period_end";

/**
 * Ends a locked subscription: at the end of what is paid for, or at once, and then what is left of the period is given
 * back as credit. @throws AppError conflict for one that has ended
 */
export async function cancelSubscription(
  context: CommandContext,
  before: Subscription,
  at: CancelAt,
): Promise<Subscription> {
  if (before.status === "canceled") {
    throw new AppError("conflict", "The subscription is canceled already.");
  }
  if (at === "now")
    return endSubscription(context, before, { giveBack: isBillable(before.status) });
  const { plan } = await readTerms(context.tx, before);
  const saved = { ...before, cancelAtPeriodEnd: true, version: before.version + 1 };
  await saveSubscription(context.tx, saved);
  await publishSubscription(context, "changed", { subscription: saved, planId: plan.id });
  return saved;
}

/** A locked subscription is over now. */
export async function endSubscription(
  context: CommandContext,
  before: Subscription,
  { giveBack }: { giveBack: boolean },
): Promise<Subscription> {
  const { tx } = context;
  const terms = await readTerms(tx, before);
  const saved: Subscription = {
    ...before,
    status: "canceled",
    mrr: ZERO,
    canceledMs: context.nowMs,
    version: before.version + 1,
    latestInvoiceId: giveBack
      ? ((await creditUnusedPeriod(context, before)) ?? before.latestInvoiceId)
      : before.latestInvoiceId,
  };
  await saveSubscription(tx, saved);
  await publishSubscription(context, "canceled", { subscription: saved, planId: terms.plan.id });
  return saved;
}

/** @returns the invoice, undefined where nothing is left to be given back */
async function creditUnusedPeriod(
  context: CommandContext,
  before: Subscription,
): Promise<string | undefined> {
  const { tx } = context;
  const price = await billedPrice(context, before, await readTerms(tx, before));
  const { taxRate } = await readPeriod(tx, { subscriptionId: before.id, period: before.period });
  const rest = creditLine(price, before, wholeSecond(context.nowMs));
  const line = limitCredit(rest, taxRate, await refundableForPeriod(tx, before));
  if (line.amount === line.discount) return undefined;
  return issueProrationInvoice(context, before, { lines: [line], taxRate });
}
