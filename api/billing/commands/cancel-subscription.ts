import { AppError } from "#platform/errors.ts";

import { wholeSecond } from "../domain/calendar.ts";
import { ZERO } from "../domain/money.ts";
import { creditLine, limitCredit } from "../domain/proration.ts";
import { bills } from "../domain/subscription.ts";
import { keptOf } from "../repositories/prorations.ts";
import { readPeriod } from "../repositories/subscription-periods.ts";
import { type Subscription, saveSubscription } from "../repositories/subscriptions.ts";
import { billedPrice, prorationInvoice } from "./change-subscription.ts";
import type { Doing } from "./doing.ts";
import { publishSubscription, readTerms } from "./subscription-terms.ts";

export type CancelAt = "now" | "period_end";

/**
 * Ends a locked subscription: at the end of what is paid for, or at once, and then what is left of the period is given
 * back as credit. @throws AppError conflict for one that has ended
 */
export async function cancelSubscription(
  doing: Doing,
  before: Subscription,
  at: CancelAt,
): Promise<Subscription> {
  if (before.status === "canceled") {
    throw new AppError("conflict", "The subscription is canceled already.");
  }
  if (at === "now") return endSubscription(doing, before, { giveBack: bills(before.status) });
  const { plan } = await readTerms(doing.tx, before);
  const saved = { ...before, cancelAtPeriodEnd: true, version: before.version + 1 };
  await saveSubscription(doing.tx, saved);
  await publishSubscription(doing, "changed", { subscription: saved, planId: plan.id });
  return saved;
}

/** A locked subscription is over now. */
export async function endSubscription(
  doing: Doing,
  before: Subscription,
  { giveBack }: { giveBack: boolean },
): Promise<Subscription> {
  const { tx } = doing;
  const terms = await readTerms(tx, before);
  const saved: Subscription = {
    ...before,
    status: "canceled",
    mrr: ZERO,
    canceledMs: doing.nowMs,
    version: before.version + 1,
    latestInvoiceId: giveBack
      ? ((await giveBackRest(doing, before)) ?? before.latestInvoiceId)
      : before.latestInvoiceId,
  };
  await saveSubscription(tx, saved);
  await publishSubscription(doing, "canceled", { subscription: saved, planId: terms.plan.id });
  return saved;
}

/** @returns the invoice, undefined where nothing is left to be given back */
async function giveBackRest(doing: Doing, before: Subscription): Promise<string | undefined> {
  const { tx } = doing;
  const price = await billedPrice(doing, before, await readTerms(tx, before));
  const { taxRate } = await readPeriod(tx, { subscriptionId: before.id, period: before.period });
  const rest = creditLine(price, before, wholeSecond(doing.nowMs));
  const line = limitCredit(rest, taxRate, await keptOf(tx, before));
  if (line.amount === line.discount) return undefined;
  return prorationInvoice(doing, before, { lines: [line], taxRate });
}
