import { wholeSecond } from "../domain/calendar.ts";
import { ZERO } from "../domain/money.ts";
import { bills } from "../domain/subscription.ts";
import { openInvoices } from "../repositories/invoice-lines.ts";
import { readPeriod } from "../repositories/subscription-periods.ts";
import {
  type Subscription,
  lockSubscription,
  saveSubscription,
} from "../repositories/subscriptions.ts";
import { endSubscription } from "./cancel-subscription.ts";
import type { Doing } from "./doing.ts";
import { beginNextPeriod } from "./renew-subscription.ts";
import { publishSubscription, readTerms, recurring } from "./subscription-terms.ts";

/** An invoice of an active subscription could not be collected. Does nothing to one that is not active. */
export async function markPastDue(doing: Doing, subscriptionId: string): Promise<void> {
  const before = await lockSubscription(doing.tx, subscriptionId);
  if (before.status !== "active") return;
  await save(doing, { ...before, status: "past_due" });
}

/**
 * Collecting was given up: the subscription ends (`canceled`), or waits, without being billed, to be paid (`unpaid`).
 * Does nothing to one that bills no more. The open invoice is still owed: see `writeOffInvoice`.
 */
export async function giveUpSubscription(
  doing: Doing,
  subscriptionId: string,
  outcome: "canceled" | "unpaid",
): Promise<void> {
  const before = await lockSubscription(doing.tx, subscriptionId);
  if (!bills(before.status)) return;
  if (outcome === "canceled") await endSubscription(doing, before, { giveBack: false });
  else await save(doing, { ...before, status: "unpaid", mrr: ZERO });
}

/**
 * An invoice was paid after all: the subscription is active again once none of its invoices is open. One that was unpaid
 * beyond its period begins a new one now, as it was not served in between, or ends where that was wished.
 */
export async function recoverSubscription(doing: Doing, subscriptionId: string): Promise<void> {
  const { tx, nowMs } = doing;
  const before = await lockSubscription(tx, subscriptionId);
  if (before.status !== "past_due" && before.status !== "unpaid") return;
  const open = await openInvoices(tx, before.customerId);
  if (open.some((it) => it.subscriptionId === subscriptionId)) return;
  const active: Subscription = { ...before, status: "active" };
  if (before.status === "unpaid" && before.endMs <= nowMs) {
    if (before.cancelAtPeriodEnd) {
      await endSubscription(doing, before, { giveBack: false });
      return;
    }
    const anchor = { anchorMs: wholeSecond(nowMs), anchorPeriod: before.period + 1 };
    await beginNextPeriod(doing, { ...active, ...anchor });
    return;
  }
  await save(doing, active);
}

async function save(doing: Doing, changed: Subscription): Promise<void> {
  const { tx } = doing;
  const terms = await readTerms(tx, changed);
  const at = { subscriptionId: changed.id, period: changed.period };
  const mrr = recurring(terms, changed, await readPeriod(tx, at));
  const saved = { ...changed, mrr, version: changed.version + 1 };
  await saveSubscription(tx, saved);
  await publishSubscription(doing, "changed", { subscription: saved, planId: terms.plan.id });
}
