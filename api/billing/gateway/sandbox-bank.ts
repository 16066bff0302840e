import { z } from "zod";

import type { Kit } from "#api/kit/service.ts";
import { newId } from "#platform/ids.ts";
import type { JobHandlers } from "#platform/jobs/jobs.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { DISPUTE_FEE, EVIDENCE_MS, LATER_MS, behaviourOf } from "../domain/sandbox.ts";
import {
  type SandboxCharge,
  type SandboxDispute,
  addDispute,
  addEvent,
  eventBody,
  findRefund,
  lockCharge,
  lockDispute,
  markDelivered,
  setCharge,
  setDispute,
  setRefund,
} from "../repositories/sandbox.ts";
import type { GatewayEvent } from "./events.ts";
import { SIGNATURE_HEADER, signWebhook } from "./signature.ts";

type EventBody =
  z.input<typeof GatewayEvent> extends infer Event
    ? Event extends unknown
      ? Omit<Event, "id" | "atMs">
      : never
    : never;

export const webhookKey = (kit: Kit): Buffer => kit.secret("webhooks of the gateway sandbox");

const Later = z.object({
  what: z.enum([
    "answer",
    "reversal",
    "dispute",
    "fraud_warning",
    "refund",
    "deadline",
    "decision",
  ]),
  id: z.string(),
});
type Later = z.infer<typeof Later>;
const Deliver = z.object({ eventId: z.string() });

/** Keeps an event to be told, in the transaction of what happened. */
export async function announce(kit: Kit, tx: Queryable, event: EventBody): Promise<void> {
  const id = newId("evt");
  const nowMs = kit.clock.nowMs();
  await addEvent(tx, { id, body: JSON.stringify({ id, atMs: nowMs, ...event }), nowMs });
  await kit.jobs.add(tx, { kind: "sandbox.deliver", payload: { eventId: id } });
}

/** Promises that something happens by itself. */
export async function promise(
  kit: Kit,
  tx: Queryable,
  { waitMs, ...later }: Later & { waitMs: number },
): Promise<void> {
  const runAtMs = kit.clock.nowMs() + waitMs;
  await kit.jobs.add(tx, { kind: "sandbox.later", payload: later, runAtMs });
}

/** Says how a charge came out, and promises what its card does later. */
export async function settle(kit: Kit, tx: Queryable, charge: SandboxCharge): Promise<void> {
  await setCharge(tx, charge);
  const data = { charge: { id: charge.id, reference: charge.reference } };
  if (charge.status === "failed") {
    const reason = charge.reason ?? "declined";
    return announce(kit, tx, { type: "charge.failed", data: { ...data, reason } });
  }
  await announce(kit, tx, { type: "charge.succeeded", data });
  const { later } = behaviourOf(charge.behaviour);
  if (later) await promise(kit, tx, { what: later, id: charge.id, waitMs: LATER_MS[later] });
}

/** Takes a charge back that had succeeded. Does nothing when it had not. */
export async function reverse(kit: Kit, tx: Queryable, charge: SandboxCharge): Promise<boolean> {
  if (charge.status !== "succeeded") return false;
  const reason = "returned_by_bank";
  await setCharge(tx, { id: charge.id, status: "reversed", reason });
  const data = { charge: { id: charge.id, reference: charge.reference }, reason };
  await announce(kit, tx, { type: "charge.reversed", data });
  return true;
}

/** Opens a dispute about a charge that had succeeded. */
export async function openDispute(
  kit: Kit,
  tx: Queryable,
  { charge, amount, reason }: { charge: SandboxCharge; amount: bigint; reason: string },
): Promise<boolean> {
  if (charge.status !== "succeeded") return false;
  const nowMs = kit.clock.nowMs();
  const dispute = await addDispute(tx, {
    charge_id: charge.id,
    amount,
    fee: DISPUTE_FEE,
    reason,
    evidence_due_by: new Date(nowMs + EVIDENCE_MS),
    nowMs,
  });
  await announce(kit, tx, { type: "dispute.opened", data: { dispute: told(dispute, charge) } });
  await promise(kit, tx, { what: "deadline", id: dispute.id, waitMs: EVIDENCE_MS });
  return true;
}

/** Decides a dispute that is open. */
export async function closeDispute(
  kit: Kit,
  tx: Queryable,
  { dispute, outcome }: { dispute: SandboxDispute; outcome: "won" | "lost" },
): Promise<boolean> {
  const charge = await lockCharge(tx, { id: dispute.charge_id });
  if (dispute.status !== "open" || !charge) return false;
  await setDispute(tx, { ...dispute, status: outcome });
  const data = { dispute: told(dispute, charge), outcome };
  await announce(kit, tx, { type: "dispute.closed", data });
  return true;
}

const told = (dispute: SandboxDispute, charge: SandboxCharge) => ({
  id: dispute.id,
  reference: charge.reference,
  chargeId: charge.id,
  amount: dispute.amount.toString(),
  fee: dispute.fee.toString(),
  currency: charge.currency,
  reason: dispute.reason,
  evidenceDueByMs: dispute.evidence_due_by.getTime(),
});

/** What the sandbox does by itself. */
export function sandboxJobs(kit: Kit): JobHandlers {
  return {
    "sandbox.later": ({ payload }) => {
      const later = Later.parse(payload);
      return kit.database.transaction((tx) => happen(kit, tx, later));
    },
    "sandbox.deliver": async ({ payload }) => {
      const { eventId } = Deliver.parse(payload);
      const text = await eventBody(kit.database, eventId);
      if (text === undefined) return;
      await deliver(kit, Buffer.from(text));
      await markDelivered(kit.database, eventId, kit.clock.nowMs());
    },
  };
}

async function happen(kit: Kit, tx: Queryable, { what, id }: Later): Promise<void> {
  switch (what) {
    case "refund":
      return finishRefund(kit, tx, id);
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
      if (charge) await happenToCharge(kit, tx, { what, charge });
    }
  }
}

async function happenToCharge(
  kit: Kit,
  tx: Queryable,
  {
    what,
    charge,
  }: { what: "answer" | "reversal" | "dispute" | "fraud_warning"; charge: SandboxCharge },
): Promise<void> {
  switch (what) {
    case "answer":
      if (charge.status !== "processing") return;
      return settle(kit, tx, { ...charge, status: "succeeded" });
    case "reversal":
      await reverse(kit, tx, charge);
      return;
    case "dispute":
      await openDispute(kit, tx, { charge, amount: charge.amount, reason: "fraudulent" });
      return;
    case "fraud_warning": {
      const data = { charge: { id: charge.id, reference: charge.reference } };
      return announce(kit, tx, { type: "charge.fraud_warning", data });
    }
  }
}

async function finishRefund(kit: Kit, tx: Queryable, id: string): Promise<void> {
  const refund = await findRefund(tx, { id });
  if (refund?.status !== "pending") return;
  const charge = await lockCharge(tx, { id: refund.charge_id });
  const data = { refund: { id, reference: refund.reference } };
  if (charge && behaviourOf(charge.behaviour).refund === "fails_later") {
    const reason = "refund_refused_by_bank";
    await setRefund(tx, { id, status: "failed", reason });
    return announce(kit, tx, { type: "refund.failed", data: { ...data, reason } });
  }
  await setRefund(tx, { id, status: "succeeded", reason: null });
  return announce(kit, tx, { type: "refund.succeeded", data });
}

const DELIVERY_MS_MAX = 10_000;

/** Rejects unless the receiver has taken it: then the job tells it again, later. */
async function deliver(kit: Kit, body: Buffer): Promise<void> {
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
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`);
}
