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

/**
 * Cancels a locked subscription at the end of its period, or now; then the rest of the period becomes credit.
 * @throws AppError conflict if it is canceled already
 */
export async function cancelSubscription(
  context: CommandContext,
  before: Subscription,
  at: "now" | "period_end",
): Promise<Subscription> {
  if (before.status === "canceled") {
    throw new AppError("conflict", "The subscription is already canceled.");
  }
  if (at === "now")
    return endSubscription(context, before, { creditRest: isBillable(before.status) });
  const { plan } = await readTerms(context.tx, before);
  const saved = { ...before, cancelAtPeriodEnd: true, version: before.version + 1 };
  await saveSubscription(context.tx, saved);
  await publishSubscription(context, "changed", { subscription: saved, planId: plan.id });
  return saved;
}

/** Ends a locked subscription now. `creditRest`: the rest of the period becomes credit. */
export async function endSubscription(
  context: CommandContext,
  before: Subscription,
  { creditRest }: { creditRest: boolean },
): Promise<Subscription> {
  const { tx } = context;
  const terms = await readTerms(tx, before);
  const saved: Subscription = {
    ...before,
    status: "canceled",
    mrr: ZERO,
    canceledAtMs: context.nowMs,
    version: before.version + 1,
    latestInvoiceId: creditRest
      ? ((await creditUnusedPeriod(context, before)) ?? before.latestInvoiceId)
      : before.latestInvoiceId,
  };
  await saveSubscription(tx, saved);
  await publishSubscription(context, "canceled", { subscription: saved, planId: terms.plan.id });
  return saved;
}

/** @returns the id of the invoice; undefined if nothing is left to credit */
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
