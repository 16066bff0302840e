import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { type PageStart, found, moneyColumn } from "./columns.ts";

const refunds = table("refunds", {
  id: z.string(),
  paymentId: z.string(),
  customerId: z.string(),
  currency: z.string(),
  amount: moneyColumn,
  reason: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  failure: z.string().nullable(),
  createdAtMs: time,
  updatedAtMs: time,
});
export type Refund = RowOf<typeof refunds>;

export const insertRefund = (
  tx: Queryable,
  it: Omit<Refund, "status" | "failure" | "updatedAtMs">,
): Promise<Refund> => refunds.insert(tx, { ...it, status: "pending", updatedAtMs: it.createdAtMs });

/** To change it, lock its payment. */
export const findRefund = (db: Queryable, id: string): Promise<Refund | undefined> =>
  refunds.find(db, { id });

/** @throws AppError not_found */
export const readRefund = async (db: Queryable, id: string): Promise<Refund> =>
  found(await refunds.find(db, { id }), "refund", id);

export const updateRefund = (
  tx: Queryable,
  id: string,
  changes: Pick<Refund, "status" | "failure" | "updatedAtMs">,
): Promise<Refund> => refunds.update(tx, { id }, changes);

export const listRefunds = (
  db: Queryable,
  { paymentId, ...page }: PageStart & { paymentId: string | undefined },
): Promise<Refund[]> => refunds.page(db, { ...page, where: { paymentId } });
