import { z } from "zod";

import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

const amount = z.string().transform(BigInt);

const Charge = z.object({
  id: z.string(),
  reference: z.string(),
  behaviour: z.string(),
  currency: z.string(),
  amount,
  status: z.enum(["processing", "requires_action", "succeeded", "failed", "reversed"]),
  reason: z.string().nullable(),
  calls: z.number(),
});
export type SandboxCharge = z.infer<typeof Charge>;
const CHARGE = "id, reference, behaviour, currency, amount::text, status, reason, calls";

export async function addCard(
  tx: Queryable,
  card: { token: string; behaviour: string; nowMs: number },
): Promise<void> {
  await tx.query("INSERT INTO sandbox_cards (token, behaviour, created_at) VALUES ($1, $2, $3)", [
    card.token,
    card.behaviour,
    new Date(card.nowMs),
  ]);
}

export async function behaviourOfToken(tx: Queryable, token: string): Promise<string | undefined> {
  const [row] = await tx.query("SELECT behaviour FROM sandbox_cards WHERE token = $1", [token]);
  return row === undefined ? undefined : String(row["behaviour"]);
}

type NewCharge = Omit<SandboxCharge, "id" | "calls"> & { key: string; nowMs: number };

/** The charge of a key, locked; made when the key is new. Each call is counted. */
export async function upsertCharge(tx: Queryable, charge: NewCharge): Promise<SandboxCharge> {
  const [row] = await tx.query(
    `INSERT INTO sandbox_charges (id, key, reference, behaviour, currency, amount, status, reason, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (key) DO UPDATE SET calls = sandbox_charges.calls + 1 RETURNING ${CHARGE}`,
    [
      newId("ch"),
      charge.key,
      charge.reference,
      charge.behaviour,
      charge.currency,
      charge.amount.toString(),
      charge.status,
      charge.reason,
      new Date(charge.nowMs),
    ],
  );
  return Charge.parse(row);
}

export async function lockCharge(
  tx: Queryable,
  by: { id: string } | { reference: string },
): Promise<SandboxCharge | undefined> {
  const [column, value] = "id" in by ? ["id", by.id] : ["reference", by.reference];
  const [row] = await tx.query(
    `SELECT ${CHARGE} FROM sandbox_charges WHERE ${column} = $1 FOR UPDATE`,
    [value],
  );
  return row === undefined ? undefined : Charge.parse(row);
}

export async function setCharge(
  tx: Queryable,
  { id, status, reason }: Pick<SandboxCharge, "id" | "status" | "reason">,
): Promise<void> {
  await tx.query("UPDATE sandbox_charges SET status = $2, reason = $3 WHERE id = $1", [
    id,
    status,
    reason,
  ]);
}

const Refund = z.object({
  id: z.string(),
  reference: z.string(),
  charge_id: z.string(),
  amount,
  status: z.enum(["pending", "succeeded", "failed"]),
  reason: z.string().nullable(),
});
export type SandboxRefund = z.infer<typeof Refund>;
const REFUND = "id, reference, charge_id, amount::text, status, reason";

export async function findRefund(
  tx: Queryable,
  by: { key: string } | { id: string },
): Promise<SandboxRefund | undefined> {
  const [column, value] = "key" in by ? ["key", by.key] : ["id", by.id];
  const [row] = await tx.query(
    `SELECT ${REFUND} FROM sandbox_refunds WHERE ${column} = $1 FOR UPDATE`,
    [value],
  );
  return row === undefined ? undefined : Refund.parse(row);
}

/** What was given back of a charge, and is about to be. */
export async function refundedOf(tx: Queryable, chargeId: string): Promise<bigint> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(amount), 0)::text AS total FROM sandbox_refunds
     WHERE charge_id = $1 AND status <> 'failed'`,
    [chargeId],
  );
  return BigInt(String(row?.["total"]));
}

export async function addRefund(
  tx: Queryable,
  refund: Omit<SandboxRefund, "id"> & { key: string; nowMs: number },
): Promise<SandboxRefund> {
  const [row] = await tx.query(
    `INSERT INTO sandbox_refunds (id, key, reference, charge_id, amount, status, reason, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${REFUND}`,
    [
      newId("re"),
      refund.key,
      refund.reference,
      refund.charge_id,
      refund.amount.toString(),
      refund.status,
      refund.reason,
      new Date(refund.nowMs),
    ],
  );
  return Refund.parse(row);
}

export async function setRefund(
  tx: Queryable,
  { id, status, reason }: Pick<SandboxRefund, "id" | "status" | "reason">,
): Promise<void> {
  await tx.query("UPDATE sandbox_refunds SET status = $2, reason = $3 WHERE id = $1", [
    id,
    status,
    reason,
  ]);
}

const Dispute = z.object({
  id: z.string(),
  charge_id: z.string(),
  amount,
  fee: amount,
  reason: z.string(),
  status: z.enum(["open", "won", "lost"]),
  evidence_due_by: z.date(),
  evidence: z.string().nullable(),
});
export type SandboxDispute = z.infer<typeof Dispute>;
const DISPUTE = "id, charge_id, amount::text, fee::text, reason, status, evidence_due_by, evidence";

export async function addDispute(
  tx: Queryable,
  dispute: Omit<SandboxDispute, "id" | "status" | "evidence"> & { nowMs: number },
): Promise<SandboxDispute> {
  const [row] = await tx.query(
    `INSERT INTO sandbox_disputes (id, charge_id, amount, fee, reason, status, evidence_due_by, opened_at)
     VALUES ($1, $2, $3, $4, $5, 'open', $6, $7) RETURNING ${DISPUTE}`,
    [
      newId("dp"),
      dispute.charge_id,
      dispute.amount.toString(),
      dispute.fee.toString(),
      dispute.reason,
      dispute.evidence_due_by,
      new Date(dispute.nowMs),
    ],
  );
  return Dispute.parse(row);
}

/** What of a charge is disputed, or was and is lost. */
export async function disputedOf(tx: Queryable, chargeId: string): Promise<bigint> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(amount), 0)::text AS total FROM sandbox_disputes
     WHERE charge_id = $1 AND status <> 'won'`,
    [chargeId],
  );
  return BigInt(String(row?.["total"]));
}

export async function lockDispute(tx: Queryable, id: string): Promise<SandboxDispute | undefined> {
  const [row] = await tx.query(`SELECT ${DISPUTE} FROM sandbox_disputes WHERE id = $1 FOR UPDATE`, [
    id,
  ]);
  return row === undefined ? undefined : Dispute.parse(row);
}

export async function setDispute(
  tx: Queryable,
  { id, status, evidence }: Pick<SandboxDispute, "id" | "status" | "evidence">,
): Promise<void> {
  await tx.query("UPDATE sandbox_disputes SET status = $2, evidence = $3 WHERE id = $1", [
    id,
    status,
    evidence,
  ]);
}

export async function addEvent(
  tx: Queryable,
  event: { id: string; body: string; nowMs: number },
): Promise<void> {
  await tx.query("INSERT INTO sandbox_events (id, body, created_at) VALUES ($1, $2, $3)", [
    event.id,
    event.body,
    new Date(event.nowMs),
  ]);
}

export async function eventBody(db: Queryable, id: string): Promise<string | undefined> {
  const [row] = await db.query("SELECT body FROM sandbox_events WHERE id = $1", [id]);
  return row === undefined ? undefined : String(row["body"]);
}

export async function markDelivered(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.query("UPDATE sandbox_events SET delivered_at = $2 WHERE id = $1", [
    id,
    new Date(nowMs),
  ]);
}
