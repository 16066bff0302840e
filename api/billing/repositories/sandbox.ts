import { z } from "zod";

import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { units } from "./columns.ts";

const cards = table("sandbox_cards", {
  token: z.string(),
  behaviour: z.string(),
  createdAtMs: time,
});

const charges = table("sandbox_charges", {
  id: z.string(),
  key: z.string(),
  reference: z.string(),
  behaviour: z.string(),
  currency: z.string(),
  amount: units,
  status: z.enum(["processing", "requires_action", "succeeded", "failed", "reversed"]),
  reason: z.string().nullable(),
  calls: z.number(),
  createdAtMs: time,
});
export type SandboxCharge = RowOf<typeof charges>;

const refunds = table("sandbox_refunds", {
  id: z.string(),
  key: z.string(),
  reference: z.string(),
  chargeId: z.string(),
  amount: units,
  status: z.enum(["pending", "succeeded", "failed"]),
  reason: z.string().nullable(),
  createdAtMs: time,
});
export type SandboxRefund = RowOf<typeof refunds>;

const disputes = table("sandbox_disputes", {
  id: z.string(),
  chargeId: z.string(),
  amount: units,
  fee: units,
  reason: z.string(),
  status: z.enum(["open", "won", "lost"]),
  evidenceDueByMs: time,
  evidence: z.string().nullable(),
  openedAtMs: time,
});
export type SandboxDispute = RowOf<typeof disputes>;

const events = table("sandbox_events", {
  id: z.string(),
  body: z.string(),
  createdAtMs: time,
  deliveredAtMs: time.nullable(),
});

export const insertCard = (tx: Queryable, card: RowOf<typeof cards>) => cards.insert(tx, card);

export const behaviourOfToken = async (tx: Queryable, token: string): Promise<string | undefined> =>
  (await cards.find(tx, { token }))?.behaviour;

type NewCharge = Omit<SandboxCharge, "id" | "calls">;

/** The locked charge of a key, created for a new key. `calls` counts the calls. */
export async function upsertCharge(tx: Queryable, charge: NewCharge): Promise<SandboxCharge> {
  const inserted = await charges.insertIfAbsent(tx, { ...charge, id: newId("ch") });
  if (inserted !== undefined) return inserted;
  const rows = await tx.query(
    `UPDATE sandbox_charges SET calls = calls + 1 WHERE key = $1 RETURNING ${charges.columns}`,
    [charge.key],
  );
  const [existing] = charges.parse(rows);
  if (existing === undefined) throw new Error(`the sandbox has no charge with key ${charge.key}`);
  return existing;
}

export const lockCharge = (
  tx: Queryable,
  by: { id: string } | { reference: string },
): Promise<SandboxCharge | undefined> => charges.find(tx, by, "FOR UPDATE");

export const updateCharge = (
  tx: Queryable,
  { id, status, reason }: Pick<SandboxCharge, "id" | "status" | "reason">,
): Promise<SandboxCharge> => charges.update(tx, { id }, { status, reason });

export const lockRefund = (
  tx: Queryable,
  by: { key: string } | { id: string },
): Promise<SandboxRefund | undefined> => refunds.find(tx, by, "FOR UPDATE");

/** Sum of the succeeded and pending refunds of a charge. */
export async function refundedOf(tx: Queryable, chargeId: string): Promise<bigint> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(amount), 0)::text AS total FROM sandbox_refunds
     WHERE charge_id = $1 AND status <> 'failed'`,
    [chargeId],
  );
  return BigInt(String(row?.["total"]));
}

export const insertRefund = (
  tx: Queryable,
  refund: Omit<SandboxRefund, "id">,
): Promise<SandboxRefund> => refunds.insert(tx, { ...refund, id: newId("re") });

export const updateRefund = (
  tx: Queryable,
  id: string,
  changes: Pick<SandboxRefund, "status" | "reason">,
): Promise<SandboxRefund> => refunds.update(tx, { id }, changes);

export const insertDispute = (
  tx: Queryable,
  dispute: Omit<SandboxDispute, "id" | "status" | "evidence">,
): Promise<SandboxDispute> => disputes.insert(tx, { ...dispute, id: newId("dp"), status: "open" });

/** Sum of the open and lost disputes of a charge. */
export async function disputedOf(tx: Queryable, chargeId: string): Promise<bigint> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(amount), 0)::text AS total FROM sandbox_disputes
     WHERE charge_id = $1 AND status <> 'won'`,
    [chargeId],
  );
  return BigInt(String(row?.["total"]));
}

export const lockDispute = (tx: Queryable, id: string): Promise<SandboxDispute | undefined> =>
  disputes.find(tx, { id }, "FOR UPDATE");

export const updateDispute = (
  tx: Queryable,
  { id, status, evidence }: Pick<SandboxDispute, "id" | "status" | "evidence">,
): Promise<SandboxDispute> => disputes.update(tx, { id }, { status, evidence });

export const insertEvent = (tx: Queryable, event: Omit<RowOf<typeof events>, "deliveredAtMs">) =>
  events.insert(tx, event);

export const eventBody = async (db: Queryable, id: string): Promise<string | undefined> =>
  (await events.find(db, { id }))?.body;

export const markDelivered = (db: Queryable, id: string, nowMs: number) =>
  events.update(db, { id }, { deliveredAtMs: nowMs });
