import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type DisputeEvent, isClosed, transition, withdrawalEntries } from "../domain/disputes.ts";
import { creditFromPayment } from "../domain/invoice.ts";
import { reversed } from "../domain/ledger.ts";
import { type Money, ZERO, min, money, negate, toWire } from "../domain/money.ts";
import { refundable } from "../domain/payments.ts";
import type { GatewayDispute } from "../gateway/events.ts";
import { addCredit, readCustomer } from "../repositories/customers.ts";
import {
  type Dispute,
  disputedFromCredit,
  findDispute,
  insertDispute,
  noDispute,
  updateDispute,
} from "../repositories/disputes.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { applyPaymentEvent } from "./apply-payment-event.ts";
import { type CommandContext, publish } from "./context.ts";

type ReportedDispute = { gateway: string; dispute: GatewayDispute };

/**
 * Records a dispute that a gateway reported, once: the gateway has withdrawn its amount and a fee. A dispute proves
 * that the payment succeeded, even if that was not reported yet. @returns undefined if there is no such payment
 */
export async function openDispute(
  context: CommandContext,
  reported: ReportedDispute,
): Promise<Dispute | undefined> {
  const { kit, tx, nowMs } = context;
  const { id: gatewayDisputeId, ...dispute } = reported.dispute;
  const { chargeId } = dispute;
  await applyPaymentEvent(context, dispute.reference, { type: "succeeded", chargeId });
  const locked = await lockPayment(tx, dispute.reference);
  if (locked === undefined) return undefined;
  const { payment, invoice } = locked;
  const known = await findDispute(tx, { gateway: reported.gateway, gatewayDisputeId });
  if (known) return known;
  const left = refundable(payment);
  const opened = await insertDispute(tx, {
    id: newId("dsp"),
    paymentId: payment.id,
    customerId: payment.customerId,
    gateway: reported.gateway,
    gatewayDisputeId,
    currency: dispute.currency,
    amount: money(dispute.amount),
    fee: money(dispute.fee),
    excess: dispute.amount > left ? money(dispute.amount - left) : ZERO,
    fromCredit: await availableCredit(tx, { payment, invoice, amount: dispute.amount }),
    reason: dispute.reason,
    evidenceDueByMs: dispute.evidenceDueByMs,
    openedAtMs: nowMs,
  });
  const disputed = money(payment.disputed + opened.amount);
  const disputesOpen = payment.disputesOpen + 1;
  await savePayment(tx, { ...payment, disputed, disputesOpen }, nowMs);
  const entries = withdrawalEntries(opened);
  await post(tx, { at: nowMs, kind: "dispute", ref: opened.id, entries });
  await addCredit(tx, opened.customerId, negate(opened.fromCredit));
  const payload = { disputeId: opened.id };
  await kit.jobs.add(tx, { kind: "dispute.deadline", payload, runAtMs: opened.evidenceDueByMs });
  await publishDispute(context, "opened", opened);
  return opened;
}

/**
 * The amount that a dispute deducts from the credit of a locked customer: a disputed payment that became credit must
 * not be returned twice. Credit that was spent cannot be deducted.
 */
async function availableCredit(
  tx: Queryable,
  { payment, invoice, amount }: { payment: Payment; invoice: Invoice; amount: bigint },
): Promise<Money> {
  const { credit } = await readCustomer(tx, payment.customerId);
  const left = creditFromPayment(invoice, payment) - (await disputedFromCredit(tx, payment.id));
  return left > 0n ? min(min(left, amount), credit) : ZERO;
}

/** Applies the decision of the bank, whether or not the opening of the dispute was reported. */
export async function closeDispute(
  context: CommandContext,
  reported: ReportedDispute & { outcome: "won" | "lost" },
): Promise<Dispute | undefined> {
  const opened = await openDispute(context, reported);
  if (!opened) return undefined;
  const event: DisputeEvent = { type: "decided", outcome: reported.outcome };
  return (await applyEvent(context, opened.id, { event })).dispute;
}

/** A dispute without evidence is lost at its deadline. */
export async function expireDispute(context: CommandContext, id: string): Promise<void> {
  await applyEvent(context, id, { event: { type: "deadline", nowMs: context.nowMs } });
}

/** `check` may refuse the dispute as it is now, such as by its version. */
type Checked = { check(before: Dispute): void };

/** Records evidence, which a job sends to the gateway. @throws AppError not_found, conflict when it is too late */
export async function submitEvidence(
  context: CommandContext,
  id: string,
  { evidence, check }: Checked & { evidence: Record<string, string> },
): Promise<Dispute> {
  const event: DisputeEvent = { type: "evidence", nowMs: context.nowMs };
  const dispute = await requireEvent(context, id, { event, check, evidence });
  await context.kit.jobs.add(context.tx, { kind: "dispute.evidence", payload: { disputeId: id } });
  await publishDispute(context, "evidence_submitted", dispute);
  return dispute;
}

/** Concedes a dispute. @throws AppError not_found, conflict when it is closed */
export async function acceptDispute(
  context: CommandContext,
  id: string,
  { check }: Checked,
): Promise<Dispute> {
  const dispute = await requireEvent(context, id, { event: { type: "accept" }, check });
  await context.kit.jobs.add(context.tx, { kind: "dispute.accept", payload: { disputeId: id } });
  return dispute;
}

type Change = Partial<Checked> & { event: DisputeEvent; evidence?: Record<string, string> };

async function requireEvent(context: CommandContext, id: string, change: Change): Promise<Dispute> {
  const { dispute, reason } = await applyEvent(context, id, change);
  if (dispute === undefined) throw noDispute(id);
  if (reason !== undefined) throw new AppError("conflict", `It is too late: ${reason}.`);
  return dispute;
}

/** Applies an event to a dispute and posts what follows; `reason` if it changes nothing. */
async function applyEvent(
  context: CommandContext,
  id: string,
  { event, check, evidence }: Change,
): Promise<{ dispute: Dispute | undefined; reason?: string }> {
  const { tx, nowMs } = context;
  const seen = await findDispute(tx, { id });
  const locked = seen && (await lockPayment(tx, seen.paymentId));
  const before = await findDispute(tx, { id });
  if (!locked || !before) return { dispute: undefined };
  check?.(before);
  const next = transition(before, event);
  if (!next.changed) return { dispute: before, reason: next.reason };
  const closed = isClosed(next.status);
  const dispute = await updateDispute(tx, id, {
    status: next.status,
    evidence: evidence ?? before.evidence,
    closedAtMs: closed ? nowMs : null,
  });
  if (closed) await onClosed(context, locked.payment, dispute);
  return { dispute };
}

async function onClosed(
  context: CommandContext,
  payment: Payment,
  dispute: Dispute,
): Promise<void> {
  const { tx, nowMs } = context;
  const won = dispute.status === "won";
  const disputed = won ? money(payment.disputed - dispute.amount) : payment.disputed;
  const disputesOpen = payment.disputesOpen - 1;
  await savePayment(tx, { ...payment, disputed, disputesOpen }, nowMs);
  if (won) {
    const entries = reversed(withdrawalEntries(dispute));
    await post(tx, { at: nowMs, kind: "dispute_won", ref: dispute.id, entries });
    await addCredit(tx, dispute.customerId, dispute.fromCredit);
  }
  const traceId = context.traceId ?? payment.traceId;
  await publishDispute({ ...context, traceId }, won ? "won" : "lost", dispute);
}

const publishDispute = (
  context: CommandContext,
  event: "opened" | "evidence_submitted" | "won" | "lost",
  dispute: Dispute,
): Promise<void> =>
  publish(context, {
    type: `dispute.${event}`,
    subject: dispute.id,
    data: {
      disputeId: dispute.id,
      paymentId: dispute.paymentId,
      customerId: dispute.customerId,
      currency: dispute.currency,
      amount: toWire(dispute.amount),
      fee: toWire(dispute.fee),
      status: dispute.status,
    },
  });
