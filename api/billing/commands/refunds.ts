import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { creditFromPayment } from "../domain/invoice.ts";
import { type Entry, reversed } from "../domain/ledger.ts";
import { type Money, money, negate, toWire } from "../domain/money.ts";
import { decideRefund } from "../domain/payments.ts";
import { disputedFromCredit } from "../repositories/disputes.ts";
import { post } from "../repositories/ledger.ts";
import { lockPayment, noPayment, savePayment } from "../repositories/payments.ts";
import { type Refund, findRefund, insertRefund, updateRefund } from "../repositories/refunds.ts";
import { type CommandContext, publish } from "./context.ts";

type RefundRequest = { paymentId: string; amount: Money | undefined; reason: string };

/**
 * Records and posts a refund, which a job sends to the gateway. Posting it first prevents refunding the same money
 * twice; it is reversed if the gateway fails. @throws AppError not_found, conflict for more than is left
 */
export async function requestRefund(
  context: CommandContext,
  request: RefundRequest,
): Promise<Refund> {
  const { kit, tx, nowMs } = context;
  const locked = await lockPayment(tx, request.paymentId);
  if (locked === undefined) throw noPayment(request.paymentId);
  const { payment, invoice } = locked;
  const credit = creditFromPayment(invoice, payment) - (await disputedFromCredit(tx, payment.id));
  const unavailable = money(payment.refundPending + (credit > 0n ? credit : 0n));
  const decision = decideRefund({ ...payment, refundPending: unavailable }, request.amount);
  if (!decision.ok) throw new AppError("conflict", `Refund not possible: ${decision.reason}.`);
  const { amount } = decision;
  const refund = await insertRefund(tx, {
    id: newId("ref"),
    paymentId: payment.id,
    customerId: payment.customerId,
    currency: payment.currency,
    amount,
    reason: request.reason,
    createdAtMs: nowMs,
  });
  const refundPending = money(payment.refundPending + amount);
  await savePayment(tx, { ...payment, refundPending }, nowMs);
  await post(tx, { at: nowMs, kind: "refund", ref: refund.id, entries: entriesOf(refund) });
  await kit.jobs.add(tx, { kind: "refund.send", payload: { refundId: refund.id } });
  return refund;
}

type RefundOutcome = { status: "succeeded" } | { status: "failed"; reason: string };

/** Applies the outcome of a pending refund, once. @returns undefined if there is no such refund */
export async function applyRefundOutcome(
  context: CommandContext,
  id: string,
  outcome: RefundOutcome,
): Promise<Refund | undefined> {
  const { tx, nowMs } = context;
  const seen = await findRefund(tx, id);
  const locked = seen && (await lockPayment(tx, seen.paymentId));
  const refund = await findRefund(tx, id);
  if (!locked || refund?.status !== "pending") return refund;
  const { payment } = locked;
  const { status } = outcome;
  const failure = outcome.status === "failed" ? outcome.reason : null;
  const saved = await updateRefund(tx, id, { status, failure, updatedAtMs: nowMs });
  const refundPending = money(payment.refundPending - refund.amount);
  const refunded = money(payment.refunded + (status === "succeeded" ? refund.amount : 0n));
  await savePayment(tx, { ...payment, refundPending, refunded }, nowMs);
  if (status === "failed") {
    const entries = reversed(entriesOf(refund));
    await post(tx, { at: nowMs, kind: "refund_failed", ref: id, entries });
  }
  const traceId = context.traceId ?? payment.traceId;
  await publishRefund({ ...context, traceId }, status, saved);
  return saved;
}

const entriesOf = ({ currency, amount }: Refund): Entry[] => [
  { account: "refunds", currency, amount },
  { account: "cash:gateway", currency, amount: negate(amount) },
];

const publishRefund = (
  context: CommandContext,
  status: RefundOutcome["status"],
  refund: Refund,
): Promise<void> =>
  publish(context, {
    type: `refund.${status}`,
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
