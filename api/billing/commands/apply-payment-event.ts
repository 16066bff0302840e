import { toWire } from "../domain/money.ts";
import { AUTHENTICATION_MS, type PaymentEvent, advance } from "../domain/payments.ts";
import type { ChargeOutcome } from "../gateway/port.ts";
import { lockInvoice } from "../repositories/invoices.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { type CommandContext, publish } from "./context.ts";
import { endDunning, failCollection, recordFailedPayment } from "./dunning.ts";
import { applyCustomerCredit } from "./issue-invoice.ts";
import { settleInvoice, unsettleInvoice } from "./settle-invoice.ts";

/**
 * Applies an event to a payment and updates invoice, ledger and subscription accordingly. A duplicate or late event
 * changes nothing. @returns undefined if there is no such payment
 */
export async function applyPaymentEvent(
  from: CommandContext,
  id: string,
  event: PaymentEvent,
): Promise<Payment | undefined> {
  const locked = await lockPayment(from.tx, id);
  if (locked === undefined) return undefined;
  const { payment } = locked;
  const state = advance(payment.state, event);
  if (state === payment.state) return payment;
  const context = { ...from, traceId: from.traceId ?? payment.traceId };
  const saved = await savePayment(context.tx, { ...payment, state }, context.nowMs);
  if (state.status === "requires_action") await scheduleExpiry(context, id);
  if (state.status === "succeeded") await onSucceeded(context, saved);
  if (state.status === "failed") await onFailed(context, saved, state.reason);
  if (state.status === "reversed") await onReversed(context, saved, state.reason);
  return saved;
}

/** A payment that is never authenticated must not block other payments and the dunning of its invoice. */
const scheduleExpiry = ({ kit, tx, nowMs }: CommandContext, paymentId: string): Promise<void> =>
  kit.jobs.add(tx, {
    kind: "payment.expire",
    payload: { paymentId },
    runAtMs: nowMs + AUTHENTICATION_MS,
  });

async function onSucceeded(context: CommandContext, payment: Payment): Promise<void> {
  await publishPayment(context, payment, { outcome: "succeeded" });
  const invoice = await settleInvoice(context, { ...payment, paymentId: payment.id });
  if (invoice.status === "paid") await endDunning(context, invoice);
}

async function onFailed(context: CommandContext, payment: Payment, reason: string): Promise<void> {
  await publishPayment(context, payment, { outcome: "failed", reason });
  await recordFailedPayment(context, await lockInvoice(context.tx, payment.invoiceId), payment);
}

/** Credit is applied before collecting again, so that the customer cannot keep it while the invoice is written off. */
async function onReversed(
  context: CommandContext,
  payment: Payment,
  reason: string,
): Promise<void> {
  await publishPayment(context, payment, { outcome: "failed", reason });
  const { id, customerId } = await unsettleInvoice(context, { ...payment, paymentId: payment.id });
  await applyCustomerCredit(context, customerId);
  await failCollection(context, await lockInvoice(context.tx, id));
}

const publishPayment = (
  context: CommandContext,
  payment: Payment,
  { outcome, ...reason }: { outcome: "succeeded" | "failed"; reason?: string },
): Promise<void> =>
  publish(context, {
    type: `payment.${outcome}`,
    subject: payment.id,
    data: {
      paymentId: payment.id,
      invoiceId: payment.invoiceId,
      customerId: payment.customerId,
      currency: payment.currency,
      amount: toWire(payment.amount),
      ...reason,
    },
  });

export function paymentEventOf(outcome: ChargeOutcome): PaymentEvent {
  const { chargeId } = outcome;
  switch (outcome.status) {
    case "succeeded":
      return { type: "succeeded", chargeId };
    case "requires_action":
      return { type: "authentication_required", chargeId };
    case "processing":
      return { type: "accepted", chargeId };
    case "failed":
      return { type: "failed", reason: outcome.reason };
  }
}
