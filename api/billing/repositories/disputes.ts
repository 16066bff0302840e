import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, json, table, time } from "#platform/postgres/table.ts";

import { DISPUTE_STATUSES } from "../domain/disputes.ts";
import { type Money, ZERO } from "../domain/money.ts";
import { type PageStart, found, moneyColumn, notFound } from "./columns.ts";

const disputes = table("disputes", {
  id: z.string(),
  paymentId: z.string(),
  customerId: z.string(),
  gateway: z.string(),
  gatewayDisputeId: z.string(),
  currency: z.string(),
  amount: moneyColumn,
  fee: moneyColumn,
  /** The part that had been refunded before. */
  excess: moneyColumn,
  /** The part that was taken from the customer's credit, as the payment had become credit. */
  fromCredit: moneyColumn,
  reason: z.string(),
  status: z.enum(DISPUTE_STATUSES),
  evidence: json(z.record(z.string(), z.string())).nullable(),
  evidenceDueByMs: time,
  openedAtMs: time,
  closedAtMs: time.nullable(),
  version: z.number(),
});
export type Dispute = RowOf<typeof disputes>;

export const noDispute = (id: string): AppError => notFound("dispute", id);

export const insertDispute = (
  tx: Queryable,
  it: Omit<Dispute, "status" | "evidence" | "closedAtMs" | "version">,
): Promise<Dispute> => disputes.insert(tx, { ...it, status: "needs_response" });

/** To change it, lock its payment. */
export const findDispute = (
  db: Queryable,
  by: { id: string } | { gateway: string; gatewayDisputeId: string },
): Promise<Dispute | undefined> => disputes.find(db, by);

/** What open and lost disputes of a payment have taken from its customer's credit. */
export async function disputedFromCredit(tx: Queryable, paymentId: string): Promise<Money> {
  const [row] = await tx.query(
    `SELECT coalesce(sum(from_credit), 0)::text AS taken FROM disputes WHERE payment_id = $1 AND status <> 'won'`,
    [paymentId],
  );
  return row === undefined ? ZERO : moneyColumn.parse(row["taken"]);
}

/** @throws AppError not_found */
export const readDispute = async (db: Queryable, id: string): Promise<Dispute> =>
  found(await disputes.find(db, { id }), "dispute", id);

export const updateDispute = (
  tx: Queryable,
  id: string,
  changes: Pick<Dispute, "status" | "evidence" | "closedAtMs">,
): Promise<Dispute> => disputes.update(tx, { id }, changes);

type Filter = { paymentId: string | undefined; status: Dispute["status"] | undefined };

export const listDisputes = (
  db: Queryable,
  { paymentId, status, ...page }: PageStart & Filter,
): Promise<Dispute[]> =>
  disputes.page(db, {
    ...page,
    by: ["opened_at", "id"],
    where: { paymentId, status },
  });
