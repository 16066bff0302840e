import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type DisputeEvent, isClosed, transition, withdrawalEntries } from "../domain/disputes.ts";
import { creditFromPayment } from "../domain/invoice.ts";
import { reversed } from "../domain/ledger.ts";
import { type Money, ZERO, money, negate, min, toWire } from "../domain/money.ts";
import { refundable } from "../domain/payments.ts";
import type { GatewayDispute } from "../gateway/events.ts";
import { addCredit, readCustomer } from "../repositories/customers.ts";
import {
  type Dispute,
  findDispute,
  insertDispute,
  noDispute,
  saveDispute,
  disputedFromCredit,
} from "../repositories/disputes.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { applyPaymentEvent } from "./apply-payment-event.ts";
import { type CommandContext, publish } from "./context.ts";

export type ReportedDispute = { gateway: string; dispute: GatewayDispute };

/**
 * A dispute has been opened: the gateway has taken its amount and a fee. It may be told twice, and before the payment is
 * known to have succeeded, which it proves. Undefined: there is no such payment.
 */
export async function openDispute(
  context: CommandContext,
  told: ReportedDispute,
): Promise<Dispute | undefined> {
  const { kit, tx, nowMs } = context;
  const { id: gatewayDisputeId, ...dispute } = told.dispute;
  const { chargeId } = dispute;
  await applyPaymentEvent(context, dispute.reference, { type: "succeeded", chargeId });
  const locked = await lockPayment(tx, dispute.reference);
  if (locked === undefined) return undefined;
  const { payment, invoice } = locked;
  const known = await findDispute(tx, { gateway: told.gateway, gatewayDisputeId });
  if (known) return known;
  const left = refundable(payment);
  const opened = await insertDispute(tx, {
    id: newId("dsp"),
    paymentId: payment.id,
    customerId: payment.customerId,
    gateway: told.gateway,
    gatewayDisputeId,
    currency: dispute.currency,
    amount: money(dispute.amount),
    fee: money(dispute.fee),
    excess: dispute.amount > left ? money(dispute.amount - left) : ZERO,
    fromCredit: await creditOf(tx, { payment, invoice, amount: dispute.amount }),
    reason: dispute.reason,
    evidenceDueByMs: dispute.evidenceDueByMs,
    openedMs: nowMs,
  });
  const disputed = money(payment.disputed + opened.amount);
  const disputesOpen = payment.disputesOpen + 1;
  await savePayment(tx, { ...payment, disputed, disputesOpen }, nowMs);
  const entries = withdrawalEntries(opened);
  await post(tx, { at: nowMs, kind: "dispute", ref: opened.id, entries });
  await addCredit(tx, opened.customerId, negate(opened.fromCredit));
  const payload = { disputeId: opened.id };
  await kit.jobs.add(tx, { kind: "dispute.deadline", payload, runAtMs: opened.evidenceDueByMs });
  await say(context, "opened", opened);
  return opened;
}

/**
 * What a dispute takes out of the credit of a locked customer: a disputed payment that was given back as credit is not
 * given back in money as well. Credit that was spent is gone.
 */
async function creditOf(
  tx: Queryable,
  { payment, invoice, amount }: { payment: Payment; invoice: Invoice; amount: bigint },
): Promise<Money> {
  const { credit } = await readCustomer(tx, payment.customerId);
  const left = creditFromPayment(invoice, payment) - (await disputedFromCredit(tx, payment.id));
  return left > 0n ? min(min(left, amount), credit) : ZERO;
}

/** The bank has decided, whether or not we heard that the dispute was opened. */
export async function closeDispute(
  context: CommandContext,
  told: ReportedDispute & { outcome: "won" | "lost" },
): Promise<Dispute | undefined> {
  const opened = await openDispute(context, told);
  if (!opened) return undefined;
  return (await move(context, opened.id, { type: "decided", outcome: told.outcome })).dispute;
}

/** Nothing was said in time: the dispute is lost. */
export async function expireDispute(context: CommandContext, id: string): Promise<void> {
  await move(context, id, { type: "deadline", nowMs: context.nowMs });
}

type Checked = { check(before: Dispute): void };

/** Gives evidence, and promises to send it. @throws AppError not_found, conflict when it is too late */
export async function submitEvidence(
  context: CommandContext,
  id: string,
  { evidence, check }: Checked & { evidence: Readonly<Record<string, string>> },
): Promise<Dispute> {
  const event: DisputeEvent = { type: "evidence", nowMs: context.nowMs };
  const dispute = await mustMove(context, { id, event, check, evidence: { ...evidence } });
  await context.kit.jobs.add(context.tx, { kind: "dispute.evidence", payload: { disputeId: id } });
  await say(context, "evidence_submitted", dispute);
  return dispute;
}

/** Gives a dispute up. @throws AppError not_found, conflict when it is over */
export async function acceptDispute(
  context: CommandContext,
  id: string,
  { check }: Checked,
): Promise<Dispute> {
  const dispute = await mustMove(context, { id, event: { type: "accept" }, check });
  await context.kit.jobs.add(context.tx, { kind: "dispute.accept", payload: { disputeId: id } });
  return dispute;
}

type Asked = Checked & { id: string; event: DisputeEvent; evidence?: Record<string, string> };

async function mustMove(context: CommandContext, { id, event, ...rest }: Asked): Promise<Dispute> {
  const { dispute, reason } = await move(context, id, { ...event, ...rest });
  if (dispute === undefined) throw noDispute(id);
  if (reason !== undefined) throw new AppError("conflict", `It is too late: ${reason}.`);
  return dispute;
}

type Moved = { dispute: Dispute | undefined; reason?: string };

/** Moves a dispute on, with the money that follows; `reason` where it stays as it is. */
async function move(
  context: CommandContext,
  id: string,
  event: DisputeEvent & Partial<Checked> & { evidence?: Record<string, string> },
): Promise<Moved> {
  const { tx, nowMs } = context;
  const seen = await findDispute(tx, { id });
  const locked = seen && (await lockPayment(tx, seen.paymentId));
  const before = await findDispute(tx, { id });
  if (!locked || !before) return { dispute: undefined };
  event.check?.(before);
  const verdict = transition(before, event);
  if (!verdict.changed) return { dispute: before, reason: verdict.reason };
  const closed = isClosed(verdict.status);
  const dispute = await saveDispute(tx, {
    ...before,
    status: verdict.status,
    evidence: event.evidence ?? before.evidence,
    closedMs: closed ? nowMs : null,
  });
  if (closed) await close(context, locked.payment, dispute);
  return { dispute };
}

async function close(context: CommandContext, payment: Payment, dispute: Dispute): Promise<void> {
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
  await say({ ...context, traceId }, won ? "won" : "lost", dispute);
}

const say = (
  context: CommandContext,
  happened: "opened" | "evidence_submitted" | "won" | "lost",
  dispute: Dispute,
): Promise<void> =>
  publish(context, {
    type: `dispute.${happened}`,
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
