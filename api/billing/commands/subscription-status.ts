import { wholeSecond } from "../domain/calendar.ts";
import { ZERO } from "../domain/money.ts";
import { isBillable } from "../domain/subscription.ts";
import { openInvoices } from "../repositories/invoices.ts";
import { readPeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  lockSubscription,
  saveSubscription,
} from "../repositories/subscriptions.ts";
import { endSubscription } from "./cancel-subscription.ts";
import type { CommandContext } from "./context.ts";
import { beginNextPeriod } from "./renew-subscription.ts";
import { publishSubscription, readTerms, recurringRevenue } from "./subscription-terms.ts";

/** Marks an active subscription as past due; any other status is kept. */
export async function markPastDue(context: CommandContext, subscriptionId: string): Promise<void> {
  const before = await lockSubscription(context.tx, subscriptionId);
  if (before.status !== "active") return;
  await save(context, { ...before, status: "past_due" });
}

/**
 * Ends a billable subscription after exhausted dunning (`canceled`), or suspends its billing until it is paid
 * (`unpaid`). The invoice stays open: see `writeOffInvoice`.
 */
export async function applyDunningOutcome(
  context: CommandContext,
  subscriptionId: string,
  outcome: "canceled" | "unpaid",
): Promise<void> {
  const before = await lockSubscription(context.tx, subscriptionId);
  if (!isBillable(before.status)) return;
  if (outcome === "canceled") await endSubscription(context, before, { creditRest: false });
  else await save(context, { ...before, status: "unpaid", mrr: ZERO });
}

/**
 * Reactivates a past due or unpaid subscription once none of its invoices is open. If it was unpaid beyond its period, a
 * new period starts now, or the subscription ends if it was canceled at the period's end.
 */
export async function recoverSubscription(
  context: CommandContext,
  subscriptionId: string,
): Promise<void> {
  const { tx, nowMs } = context;
  const before = await lockSubscription(tx, subscriptionId);
  if (before.status !== "past_due" && before.status !== "unpaid") return;
  const open = await openInvoices(tx, before.customerId);
  if (open.some((it) => it.subscriptionId === subscriptionId)) return;
  const active: Subscription = { ...before, status: "active" };
  if (before.status === "unpaid" && before.endMs <= nowMs) {
    if (before.cancelAtPeriodEnd) {
      await endSubscription(context, before, { creditRest: false });
      return;
    }
    const anchor = { anchorAtMs: wholeSecond(nowMs), anchorPeriod: before.period + 1 };
    await beginNextPeriod(context, { ...active, ...anchor });
    return;
  }
  await save(context, active);
}

async function save(context: CommandContext, changed: Subscription): Promise<void> {
  const { tx } = context;
  const terms = await readTerms(tx, changed);
  const at = { subscriptionId: changed.id, period: changed.period };
  const mrr = recurringRevenue(terms, changed, await readPeriod(tx, at));
  const saved = { ...changed, mrr, version: changed.version + 1 };
  await saveSubscription(tx, saved);
  await publishSubscription(context, "changed", { subscription: saved, planId: terms.plan.id });
}
