import type { z } from "zod";

import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { DISPUTE_FEE, EVIDENCE_MS, LATER_MS, behaviourOf } from "../domain/sandbox.ts";
import type { SandboxAction } from "../jobs.ts";
import type { BillingKit } from "../kit.ts";
import {
  type SandboxCharge,
  type SandboxDispute,
  eventBody,
  insertDispute,
  insertEvent,
  lockCharge,
  lockDispute,
  lockRefund,
  markDelivered,
  updateCharge,
  updateDispute,
  updateRefund,
} from "../repositories/sandbox.ts";
import type { GatewayEvent } from "./events.ts";
import { SIGNATURE_HEADER, signWebhook } from "./signature.ts";

type EventBody =
  z.input<typeof GatewayEvent> extends infer Event
    ? Event extends unknown
      ? Omit<Event, "id" | "atMs">
      : never
    : never;

export const webhookKey = (kit: BillingKit): Buffer =>
  kit.secret("webhooks of the gateway sandbox");

/** Stores an event in the transaction of its cause; a job delivers it. */
export async function emitEvent(kit: BillingKit, tx: Queryable, event: EventBody): Promise<void> {
  const id = newId("evt");
  const createdAtMs = kit.clock.nowMs();
  const body = JSON.stringify({ id, atMs: createdAtMs, ...event });
  await insertEvent(tx, { id, body, createdAtMs });
  await kit.jobs.add(tx, { kind: "sandbox.deliver", payload: { eventId: id } });
}

export async function scheduleLater(
  kit: BillingKit,
  tx: Queryable,
  { waitMs, ...action }: SandboxAction & { waitMs: number },
): Promise<void> {
  const runAtMs = kit.clock.nowMs() + waitMs;
  await kit.jobs.add(tx, { kind: "sandbox.later", payload: action, runAtMs });
}

const chargeData = ({ id, reference }: SandboxCharge) => ({ charge: { id, reference } });

/** Saves the final status of a charge, emits its event and schedules what its card does later. */
export async function completeCharge(
  kit: BillingKit,
  tx: Queryable,
  charge: SandboxCharge,
): Promise<SandboxCharge> {
  const saved = await updateCharge(tx, charge);
  const data = chargeData(saved);
  if (saved.status === "failed") {
    const reason = saved.reason ?? "declined";
    await emitEvent(kit, tx, { type: "charge.failed", data: { ...data, reason } });
    return saved;
  }
  await emitEvent(kit, tx, { type: "charge.succeeded", data });
  const { later } = behaviourOf(saved.behaviour);
  if (later) await scheduleLater(kit, tx, { what: later, id: saved.id, waitMs: LATER_MS[later] });
  return saved;
}

/** Reverses a succeeded charge. @returns false for any other */
export async function reverseCharge(
  kit: BillingKit,
  tx: Queryable,
  charge: SandboxCharge,
): Promise<boolean> {
  if (charge.status !== "succeeded") return false;
  const reason = "returned_by_bank";
  await updateCharge(tx, { id: charge.id, status: "reversed", reason });
  await emitEvent(kit, tx, { type: "charge.reversed", data: { ...chargeData(charge), reason } });
  return true;
}

/** Opens a dispute of a succeeded charge. @returns false for any other */
export async function openDispute(
  kit: BillingKit,
  tx: Queryable,
  { charge, amount, reason }: { charge: SandboxCharge; amount: bigint; reason: string },
): Promise<boolean> {
  if (charge.status !== "succeeded") return false;
  const openedAtMs = kit.clock.nowMs();
  const dispute = await insertDispute(tx, {
    chargeId: charge.id,
    amount,
    fee: DISPUTE_FEE,
    reason,
    evidenceDueByMs: openedAtMs + EVIDENCE_MS,
    openedAtMs,
  });
  await emitEvent(kit, tx, { type: "dispute.opened", data: disputeData(dispute, charge) });
  await scheduleLater(kit, tx, { what: "deadline", id: dispute.id, waitMs: EVIDENCE_MS });
  return true;
}

/** Decides an open dispute. @returns false for any other */
export async function closeDispute(
  kit: BillingKit,
  tx: Queryable,
  { dispute, outcome }: { dispute: SandboxDispute; outcome: "won" | "lost" },
): Promise<boolean> {
  const charge = await lockCharge(tx, { id: dispute.chargeId });
  if (dispute.status !== "open" || !charge) return false;
  await updateDispute(tx, { ...dispute, status: outcome });
  const data = { ...disputeData(dispute, charge), outcome };
  await emitEvent(kit, tx, { type: "dispute.closed", data });
  return true;
}

const disputeData = (dispute: SandboxDispute, charge: SandboxCharge) => ({
  dispute: {
    id: dispute.id,
    reference: charge.reference,
    chargeId: charge.id,
    amount: dispute.amount.toString(),
    fee: dispute.fee.toString(),
    currency: charge.currency,
    reason: dispute.reason,
    evidenceDueByMs: dispute.evidenceDueByMs,
  },
});

type Deps = { kit: BillingKit };

export const performLater = ({ kit }: Deps, action: SandboxAction): Promise<void> =>
  kit.database.transaction((tx) => runLater(kit, tx, action));

export async function deliverEvent({ kit }: Deps, { eventId }: { eventId: string }): Promise<void> {
  const text = await eventBody(kit.database, eventId);
  if (text === undefined) return;
  await deliver(kit, Buffer.from(text));
  await markDelivered(kit.database, eventId, kit.clock.nowMs());
}

async function runLater(
  kit: BillingKit,
  tx: Queryable,
  { what, id }: SandboxAction,
): Promise<void> {
  switch (what) {
    case "refund":
      return completeRefund(kit, tx, id);
    case "deadline":
    case "decision": {
      const dispute = await lockDispute(tx, id);
      if (!dispute || (what === "deadline" && dispute.evidence !== null)) return;
      await closeDispute(kit, tx, { dispute, outcome: "lost" });
      return;
    }
    case "answer":
    case "reversal":
    case "dispute":
    case "fraud_warning": {
      const charge = await lockCharge(tx, { id });
      if (charge) await runLaterOnCharge(kit, tx, { what, charge });
    }
  }
}

type LaterOnCharge = {
  what: "answer" | "reversal" | "dispute" | "fraud_warning";
  charge: SandboxCharge;
};

async function runLaterOnCharge(
  kit: BillingKit,
  tx: Queryable,
  { what, charge }: LaterOnCharge,
): Promise<void> {
  switch (what) {
    case "answer":
      if (charge.status === "processing")
        await completeCharge(kit, tx, { ...charge, status: "succeeded" });
      return;
    case "reversal":
      await reverseCharge(kit, tx, charge);
      return;
    case "dispute":
      await openDispute(kit, tx, { charge, amount: charge.amount, reason: "fraudulent" });
      return;
    case "fraud_warning":
      await emitEvent(kit, tx, { type: "charge.fraud_warning", data: chargeData(charge) });
  }
}

async function completeRefund(kit: BillingKit, tx: Queryable, id: string): Promise<void> {
  const refund = await lockRefund(tx, { id });
  if (refund?.status !== "pending") return;
  const charge = await lockCharge(tx, { id: refund.chargeId });
  const data = { refund: { id, reference: refund.reference } };
  if (charge && behaviourOf(charge.behaviour).refund === "fails_later") {
    const reason = "refund_refused_by_bank";
    await updateRefund(tx, id, { status: "failed", reason });
    return emitEvent(kit, tx, { type: "refund.failed", data: { ...data, reason } });
  }
  await updateRefund(tx, id, { status: "succeeded", reason: null });
  return emitEvent(kit, tx, { type: "refund.succeeded", data });
}

const DELIVERY_MS_MAX = 10_000;

/** Rejects unless the receiver accepts the event, so that the job retries it. */
async function deliver(kit: BillingKit, body: Buffer): Promise<void> {
  const response = await fetch(new URL("/v1/webhooks/sandbox", kit.url), {
    method: "POST",
    redirect: "error",
    signal: AbortSignal.timeout(DELIVERY_MS_MAX),
    headers: {
      "content-type": "application/json",
      [SIGNATURE_HEADER]: signWebhook(webhookKey(kit), body, kit.clock.nowMs()),
    },
    body: new Uint8Array(body),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook was answered with status ${response.status}`);
}
