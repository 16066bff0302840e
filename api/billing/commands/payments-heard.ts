import { toWire } from "../domain/money.ts";
import { AUTHENTICATION_MS, type PaymentEvent, advance } from "../domain/payments.ts";
import type { ChargeOutcome } from "../gateway/port.ts";
import { lockInvoice } from "../repositories/invoices.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { type Doing, publish } from "./doing.ts";
import { countFailure, endDunning, failCollection } from "./dunning.ts";
import { useCredit } from "./issue-invoice.ts";
import { settleInvoice, unsettleInvoice } from "./settle-invoice.ts";

/**
 * Records what was heard of a payment, and all that follows from it: the invoice, the ledger, the subscription, the
 * events. Heard twice, or after its end, it changes nothing. Undefined: there is no such payment.
 */
export async function hearOfPayment(
  from: Doing,
  id: string,
  event: PaymentEvent,
): Promise<Payment | undefined> {
  const locked = await lockPayment(from.tx, id);
  if (locked === undefined) return undefined;
  const { payment } = locked;
  const state = advance(payment.state, event);
  if (state === payment.state) return payment;
  const doing = { ...from, traceId: from.traceId ?? payment.traceId };
  const saved = await savePayment(doing.tx, { ...payment, state }, doing.nowMs);
  if (state.status === "requires_action") await promiseEnd(doing, id);
  if (state.status === "succeeded") await collected(doing, saved);
  if (state.status === "failed") await failed(doing, saved, state.reason);
  if (state.status === "reversed") await takenBack(doing, saved, state.reason);
  return saved;
}

/** Whoever is never authenticated would keep the invoice from being paid, and the subscription from dunning. */
const promiseEnd = ({ kit, tx, nowMs }: Doing, paymentId: string): Promise<void> =>
  kit.jobs.add(tx, {
    kind: "payment.expire",
    payload: { paymentId },
    runAtMs: nowMs + AUTHENTICATION_MS,
  });

async function collected(doing: Doing, payment: Payment): Promise<void> {
  await say(doing, "succeeded", payment);
  const invoice = await settleInvoice(doing, doing.tx, settlementOf(doing, payment));
  if (invoice.status === "paid") await endDunning(doing, invoice);
}

async function failed(doing: Doing, payment: Payment, reason: string): Promise<void> {
  await say(doing, "failed", payment, reason);
  const locked = await lockPayment(doing.tx, payment.id);
  if (locked) await countFailure(doing, locked.invoice, payment);
}

/** What had become credit of it pays what is due again: else that could be written off, and the credit kept. */
async function takenBack(doing: Doing, payment: Payment, reason: string): Promise<void> {
  await say(doing, "failed", payment, reason);
  const { id, customerId } = await unsettleInvoice(doing, doing.tx, settlementOf(doing, payment));
  await useCredit(doing, customerId);
  await failCollection(doing, await lockInvoice(doing.tx, id));
}

const settlementOf = ({ nowMs, traceId }: Doing, { id, invoiceId, amount }: Payment) => ({
  paymentId: id,
  invoiceId,
  amount,
  nowMs,
  traceId,
});

// oxlint-disable-next-line max-params -- who, what, which, why
function say(
  doing: Doing,
  happened: "succeeded" | "failed",
  payment: Payment,
  reason?: string,
): Promise<void> {
  const { id, invoiceId, customerId, currency } = payment;
  return publish(doing, {
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
export function eventOfOutcome(outcome: ChargeOutcome): PaymentEvent {
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
