import { wholeSecond } from "../domain/calendar.ts";
import { ZERO } from "../domain/money.ts";
import { isBillable } from "../domain/subscription.ts";
import { openInvoices } from "../repositories/invoice-lines.ts";
import { readPeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  lockSubscription,
  saveSubscription,
} from "../repositories/subscriptions.ts";
import { endSubscription } from "./cancel-subscription.ts";
import type { CommandContext } from "./context.ts";
import { beginNextPeriod } from "./renew-subscription.ts";
import { publishSubscription, readTerms, recurring } from "./subscription-terms.ts";

/** An invoice of an active subscription could not be collected. Does nothing to one that is not active. */
export async function markPastDue(context: CommandContext, subscriptionId: string): Promise<void> {
  const before = await lockSubscription(context.tx, subscriptionId);
  if (before.status !== "active") return;
  await save(context, { ...before, status: "past_due" });
}

/**
 * Collecting was given up: the subscription ends (`canceled`), or waits, without being billed, to be paid (`unpaid`).
 * Does nothing to one that isBillable no more. The open invoice is still owed: see `writeOffInvoice`.
 */
export async function applyDunningOutcome(
  context: CommandContext,
  subscriptionId: string,
  outcome: "canceled" | "unpaid",
): Promise<void> {
  const before = await lockSubscription(context.tx, subscriptionId);
  if (!isBillable(before.status)) return;
  if (outcome === "canceled") await endSubscription(context, before, { giveBack: false });
  else await save(context, { ...before, status: "unpaid", mrr: ZERO });
}

/**
 * An invoice was paid after all: the subscription is active again once none of its invoices is open. One that was unpaid
 * beyond its period begins a new one now, as it was not served in between, or ends where that was wished.
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
      await endSubscription(context, before, { giveBack: false });
      return;
    }
    const anchor = { anchorMs: wholeSecond(nowMs), anchorPeriod: before.period + 1 };
    await beginNextPeriod(context, { ...active, ...anchor });
    return;
  }
  await save(context, active);
}

async function save(context: CommandContext, changed: Subscription): Promise<void> {
  const { tx } = context;
  const terms = await readTerms(tx, changed);
  const at = { subscriptionId: changed.id, period: changed.period };
  const mrr = recurring(terms, changed, await readPeriod(tx, at));
  const saved = { ...changed, mrr, version: changed.version + 1 };
  await saveSubscription(tx, saved);
  await publishSubscription(context, "changed", { subscription: saved, planId: terms.plan.id });
}
