import type { JobRun } from "#platform/jobs/define-job.ts";

import { periodAt } from "../domain/calendar.ts";
import { isBillable } from "../domain/subscription.ts";
import type { BillingKit } from "../kit.ts";
import { type Subscription, lockSubscription } from "../repositories/subscriptions.ts";
import { billPeriod } from "./bill-period.ts";
import { endSubscription } from "./cancel-subscription.ts";
import type { CommandContext } from "./context.ts";
import { publishSubscription, readTerms } from "./subscription-terms.ts";

type Renewal = { subscriptionId: string; period: number };

export const renew = (
  { kit }: { kit: BillingKit },
  renewal: Renewal,
  { nowMs }: JobRun,
): Promise<void> =>
  kit.database.transaction((tx) => renewSubscription({ kit, tx, nowMs }, renewal));

/** Bills the period after this one, or ends a subscription that was canceled at the period's end. Idempotent. */
export async function renewSubscription(
  context: CommandContext,
  { subscriptionId, period }: Renewal,
): Promise<void> {
  const before = await lockSubscription(context.tx, subscriptionId);
  if (before.period !== period || !isBillable(before.status)) return;
  if (before.endMs > context.nowMs)
    throw new Error("the period has not ended: the clock may have been set back");
  if (before.cancelAtPeriodEnd) {
    await endSubscription(context, before, { creditRest: false });
    return;
  }
  await beginNextPeriod(context, before);
}

/** Bills the next period of a locked subscription. */
export async function beginNextPeriod(
  context: CommandContext,
  before: Subscription,
): Promise<Subscription> {
  const terms = await readTerms(context.tx, before);
  const period = before.period + 1;
  const next: Subscription = {
    ...before,
    ...periodAt(before.anchorAtMs, terms.price.interval, period - before.anchorPeriod),
    period,
    status: before.status === "trialing" ? "active" : before.status,
    version: before.version + 1,
  };
  const billed = await billPeriod(context, next, terms);
  if (billed.mrr !== before.mrr || billed.status !== before.status) {
    await publishSubscription(context, "changed", { subscription: billed, planId: terms.plan.id });
  }
  return billed;
}
