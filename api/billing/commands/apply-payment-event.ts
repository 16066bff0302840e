import { toWire } from "../domain/money.ts";
import { AUTHENTICATION_MS, type PaymentEvent, advance } from "../domain/payments.ts";
import type { ChargeOutcome } from "../gateway/port.ts";
import { lockInvoice } from "../repositories/invoices.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { type CommandContext, publish } from "./context.ts";
import { recordFailedPayment, endDunning, failCollection } from "./dunning.ts";
import { applyCustomerCredit } from "./issue-invoice.ts";
import { settleInvoice, unsettleInvoice } from "./settle-invoice.ts";

/**
 * Records what was heard of a payment, and all that follows from it: the invoice, the ledger, the subscription, the
 * events. Heard twice, or after its end, it changes nothing. Undefined: there is no such payment.
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
  if (state.status === "succeeded") await collected(context, saved);
  if (state.status === "failed") await failed(context, saved, state.reason);
  if (state.status === "reversed") await takenBack(context, saved, state.reason);
  return saved;
}

/** Whoever is never authenticated would keep the invoice from being paid, and the subscription from dunning. */
const scheduleExpiry = ({ kit, tx, nowMs }: CommandContext, paymentId: string): Promise<void> =>
  kit.jobs.add(tx, {
    kind: "payment.expire",
    payload: { paymentId },
    runAtMs: nowMs + AUTHENTICATION_MS,
  });

async function collected(context: CommandContext, payment: Payment): Promise<void> {
  await say(context, "succeeded", payment);
  const invoice = await settleInvoice(context, context.tx, settlementOf(context, payment));
  if (invoice.status === "paid") await endDunning(context, invoice);
}

async function failed(context: CommandContext, payment: Payment, reason: string): Promise<void> {
  await say(context, "failed", payment, reason);
  const locked = await lockPayment(context.tx, payment.id);
  if (locked) await recordFailedPayment(context, locked.invoice, payment);
}

/** What had become credit of it pays what is due again: else that could be written off, and the credit kept. */
async function takenBack(context: CommandContext, payment: Payment, reason: string): Promise<void> {
  await say(context, "failed", payment, reason);
  const { id, customerId } = await unsettleInvoice(
    context,
    context.tx,
    settlementOf(context, payment),
  );
  await applyCustomerCredit(context, customerId);
  await failCollection(context, await lockInvoice(context.tx, id));
}

const settlementOf = ({ nowMs, traceId }: CommandContext, { id, invoiceId, amount }: Payment) => ({
  paymentId: id,
  invoiceId,
  amount,
  nowMs,
  traceId,
});

// oxlint-disable-next-line max-params -- who, what, which, why
function say(
  context: CommandContext,
  happened: "succeeded" | "failed",
  payment: Payment,
  reason?: string,
): Promise<void> {
  const { id, invoiceId, customerId, currency } = payment;
  return publish(context, {
    type: `payment.${happened}`,
    subject: id,
    data: {
      paymentId: id,
      invoiceId,
      customerId,
      currency,
      amount: toWire(payment.amount),
      ...(reason === undefined ? {} : { reason }),
    },
  });
}

/** What an answer of a gateway says of a payment. */
export function paymentEventOf(outcome: ChargeOutcome): PaymentEvent {
  const { chargeId } = outcome;
  switch (outcome.status) {
    case "succeeded":
      return { type: "succeeded", chargeId };
    case "requires_action":
      return { type: "authentication_asked", chargeId };
    case "processing":
      return { type: "accepted", chargeId };
    case "failed":
      return { type: "failed", reason: outcome.reason };
  }
}
