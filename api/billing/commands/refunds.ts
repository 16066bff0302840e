import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { creditFromPayment } from "../domain/invoice.ts";
import { type Entry, reversed } from "../domain/ledger.ts";
import { type Money, money, negate, toWire } from "../domain/money.ts";
import { decideRefund } from "../domain/payments.ts";
import { disputedFromCredit } from "../repositories/disputes.ts";
import { post } from "../repositories/ledger.ts";
import { lockPayment, noPayment, savePayment } from "../repositories/payments.ts";
import { type Refund, findRefund, insertRefund, saveRefund } from "../repositories/refunds.ts";
import { type CommandContext, publish } from "./context.ts";

export type RefundAsked = { paymentId: string; amount: Money | undefined; reason: string };

/**
 * Promises to give money back: it is gone from the books at once, so that nothing can give it back twice, and comes back
 * into them if the gateway fails. @throws AppError not_found, conflict for more than is left
 */
export async function requestRefund(context: CommandContext, asked: RefundAsked): Promise<Refund> {
  const { kit, tx, nowMs } = context;
  const locked = await lockPayment(tx, asked.paymentId);
  if (locked === undefined) throw noPayment(asked.paymentId);
  const { payment, invoice } = locked;
  const credit = creditFromPayment(invoice, payment) - (await disputedFromCredit(tx, payment.id));
  const elsewhere = money(payment.refundPending + (credit > 0n ? credit : 0n));
  const decision = decideRefund({ ...payment, refundPending: elsewhere }, asked.amount);
  if (!decision.ok) throw new AppError("conflict", `It cannot be refunded: ${decision.reason}.`);
  const { amount } = decision;
  const refund = await insertRefund(tx, {
    id: newId("ref"),
    paymentId: payment.id,
    customerId: payment.customerId,
    currency: payment.currency,
    amount,
    reason: asked.reason,
    createdMs: nowMs,
  });
  const refundPending = money(payment.refundPending + amount);
  await savePayment(tx, { ...payment, refundPending }, nowMs);
  await post(tx, { at: nowMs, kind: "refund", ref: refund.id, entries: entriesOf(refund) });
  await kit.jobs.add(tx, { kind: "refund.send", payload: { refundId: refund.id } });
  return refund;
}

export type RefundOutcome = { status: "succeeded" } | { status: "failed"; reason: string };

/** Records how a refund came out, once. Undefined: there is no such refund. */
export async function applyRefundOutcome(
  context: CommandContext,
  id: string,
  heard: RefundOutcome,
): Promise<Refund | undefined> {
  const { tx, nowMs } = context;
  const seen = await findRefund(tx, id);
  const locked = seen && (await lockPayment(tx, seen.paymentId));
  const refund = await findRefund(tx, id);
  if (!locked || refund?.status !== "pending") return refund;
  const { payment } = locked;
  const refundPending = money(payment.refundPending - refund.amount);
  const failure = heard.status === "failed" ? heard.reason : null;
  const saved: Refund = { ...refund, status: heard.status, failure };
  await saveRefund(tx, saved, nowMs);
  if (heard.status === "succeeded") {
    const refunded = money(payment.refunded + refund.amount);
    await savePayment(tx, { ...payment, refundPending, refunded }, nowMs);
  } else {
    await savePayment(tx, { ...payment, refundPending }, nowMs);
    const entries = reversed(entriesOf(refund));
    await post(tx, { at: nowMs, kind: "refund_failed", ref: id, entries });
  }
  await say({ ...context, traceId: context.traceId ?? payment.traceId }, saved);
  return saved;
}

const entriesOf = ({ currency, amount }: Refund): Entry[] => [
  { account: "refunds", currency, amount },
  { account: "cash:gateway", currency, amount: negate(amount) },
];

const say = (context: CommandContext, refund: Refund): Promise<void> =>
  publish(context, {
    type: `refund.${refund.status}`,
    subject: refund.id,
    data: {
      refundId: refund.id,
      paymentId: refund.paymentId,
      customerId: refund.customerId,
      currency: refund.currency,
      amount: toWire(refund.amount),
      ...(refund.failure === null ? {} : { reason: refund.failure }),
    },
  });
