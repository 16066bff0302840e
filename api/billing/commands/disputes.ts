import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { type DisputeEvent, isClosed, judge, withdrawalEntries } from "../domain/disputes.ts";
import { becameCredit } from "../domain/invoice.ts";
import { reversed } from "../domain/ledger.ts";
import { type Money, ZERO, money, negate, smaller, toWire } from "../domain/money.ts";
import { refundable } from "../domain/payments.ts";
import type { GatewayDispute } from "../gateway/events.ts";
import { addCredit, readCustomer } from "../repositories/customers.ts";
import {
  type Dispute,
  findDispute,
  insertDispute,
  noDispute,
  saveDispute,
  takenFromCredit,
} from "../repositories/disputes.ts";
import type { Invoice } from "../repositories/invoices.ts";
import { post } from "../repositories/ledger.ts";
import { type Payment, lockPayment, savePayment } from "../repositories/payments.ts";
import { type Doing, publish } from "./doing.ts";
import { hearOfPayment } from "./payments-heard.ts";

export type ToldDispute = { gateway: string; dispute: GatewayDispute };

/**
 * A dispute has been opened: the gateway has taken its amount and a fee. It may be told twice, and before the payment is
 * known to have succeeded, which it proves. Undefined: there is no such payment.
 */
export async function openDispute(doing: Doing, told: ToldDispute): Promise<Dispute | undefined> {
  const { kit, tx, nowMs } = doing;
  const { id: gatewayDisputeId, ...dispute } = told.dispute;
  const { chargeId } = dispute;
  await hearOfPayment(doing, dispute.reference, { type: "succeeded", chargeId });
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
  await say(doing, "opened", opened);
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
  const left = becameCredit(invoice, payment) - (await takenFromCredit(tx, payment.id));
  return left > 0n ? smaller(smaller(left, amount), credit) : ZERO;
}

/** The bank has decided, whether or not we heard that the dispute was opened. */
export async function closeDispute(
  doing: Doing,
  told: ToldDispute & { outcome: "won" | "lost" },
): Promise<Dispute | undefined> {
  const opened = await openDispute(doing, told);
  if (!opened) return undefined;
  return (await move(doing, opened.id, { type: "decided", outcome: told.outcome })).dispute;
}

/** Nothing was said in time: the dispute is lost. */
export async function expireDispute(doing: Doing, id: string): Promise<void> {
  await move(doing, id, { type: "deadline", nowMs: doing.nowMs });
}

type Checked = { check(before: Dispute): void };

/** Gives evidence, and promises to send it. @throws AppError not_found, conflict when it is too late */
export async function giveEvidence(
  doing: Doing,
  id: string,
  { evidence, check }: Checked & { evidence: Readonly<Record<string, string>> },
): Promise<Dispute> {
  const event: DisputeEvent = { type: "evidence", nowMs: doing.nowMs };
  const dispute = await mustMove(doing, { id, event, check, evidence: { ...evidence } });
  await doing.kit.jobs.add(doing.tx, { kind: "dispute.evidence", payload: { disputeId: id } });
  await say(doing, "evidence_submitted", dispute);
  return dispute;
}

/** Gives a dispute up. @throws AppError not_found, conflict when it is over */
export async function acceptDispute(
  doing: Doing,
  id: string,
  { check }: Checked,
): Promise<Dispute> {
  const dispute = await mustMove(doing, { id, event: { type: "accept" }, check });
  await doing.kit.jobs.add(doing.tx, { kind: "dispute.accept", payload: { disputeId: id } });
  return dispute;
}

type Asked = Checked & { id: string; event: DisputeEvent; evidence?: Record<string, string> };

async function mustMove(doing: Doing, { id, event, ...rest }: Asked): Promise<Dispute> {
  const { dispute, reason } = await move(doing, id, { ...event, ...rest });
  if (dispute === undefined) throw noDispute(id);
  if (reason !== undefined) throw new AppError("conflict", `It is too late: ${reason}.`);
  return dispute;
}

type Moved = { dispute: Dispute | undefined; reason?: string };

/** Moves a dispute on, with the money that follows; `reason` where it stays as it is. */
async function move(
  doing: Doing,
  id: string,
  event: DisputeEvent & Partial<Checked> & { evidence?: Record<string, string> },
): Promise<Moved> {
  const { tx, nowMs } = doing;
  const seen = await findDispute(tx, { id });
  const locked = seen && (await lockPayment(tx, seen.paymentId));
  const before = await findDispute(tx, { id });
  if (!locked || !before) return { dispute: undefined };
  event.check?.(before);
  const verdict = judge(before, event);
  if (!verdict.changed) return { dispute: before, reason: verdict.reason };
  const closed = isClosed(verdict.status);
  const dispute = await saveDispute(tx, {
    ...before,
    status: verdict.status,
    evidence: event.evidence ?? before.evidence,
    closedMs: closed ? nowMs : null,
  });
  if (closed) await close(doing, locked.payment, dispute);
  return { dispute };
}

async function close(doing: Doing, payment: Payment, dispute: Dispute): Promise<void> {
  const { tx, nowMs } = doing;
  const won = dispute.status === "won";
  const disputed = won ? money(payment.disputed - dispute.amount) : payment.disputed;
  const disputesOpen = payment.disputesOpen - 1;
  await savePayment(tx, { ...payment, disputed, disputesOpen }, nowMs);
  if (won) {
    const entries = reversed(withdrawalEntries(dispute));
    await post(tx, { at: nowMs, kind: "dispute_won", ref: dispute.id, entries });
    await addCredit(tx, dispute.customerId, dispute.fromCredit);
  }
  const traceId = doing.traceId ?? payment.traceId;
  await say({ ...doing, traceId }, won ? "won" : "lost", dispute);
}

const say = (
  doing: Doing,
  happened: "opened" | "evidence_submitted" | "won" | "lost",
  dispute: Dispute,
): Promise<void> =>
  publish(doing, {
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
