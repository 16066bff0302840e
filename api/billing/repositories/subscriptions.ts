import { z } from "zod";

import type { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { SUBSCRIPTION_STATUSES } from "../domain/subscription.ts";
import { OF_ACCOUNT, type PageStart, found, moneyColumn, notFound } from "./columns.ts";
import { lockCustomer } from "./customers.ts";

const subscriptions = table("subscriptions", {
  id: z.string(),
  customerId: z.string(),
  priceId: z.string(),
  quantity: z.number(),
  status: z.enum(SUBSCRIPTION_STATUSES),
  currency: z.string(),
  mrr: moneyColumn,
  /** Start of period number `anchorPeriod`; later periods are counted from it. */
  anchorAtMs: time,
  anchorPeriod: z.number(),
  /** Number of the current period; a trial is period 1. */
  period: z.number(),
  startMs: time.meta({ column: "period_start" }),
  endMs: time.meta({ column: "period_end" }),
  cancelAtPeriodEnd: z.boolean(),
  canceledAtMs: time.nullable(),
  couponId: z.string().nullable(),
  /** Periods that start before it are discounted; null with a coupon: all. */
  discountEndsAtMs: time.nullable(),
  paymentMethodId: z.string().nullable(),
  latestInvoiceId: z.string().nullable(),
  version: z.number(),
  createdAtMs: time,
});
export type Subscription = RowOf<typeof subscriptions>;

export const noSubscription = (id: string): AppError => notFound("subscription", id);

/** @throws AppError not_found */
export const readSubscription = async (db: Queryable, id: string): Promise<Subscription> =>
  found(await subscriptions.find(db, { id }), "subscription", id);

/** Locks the subscription by its customer (`lockCustomer`). @throws AppError not_found */
export async function lockSubscription(tx: Queryable, id: string): Promise<Subscription> {
  const { customerId } = await readSubscription(tx, id);
  await lockCustomer(tx, customerId);
  return readSubscription(tx, id);
}

export const insertSubscription = (tx: Queryable, it: Subscription): Promise<Subscription> =>
  subscriptions.insert(tx, it);

/** Saves a locked subscription, with the version that it has. */
export const saveSubscription = (tx: Queryable, it: Subscription): Promise<Subscription> =>
  subscriptions.update(tx, { id: it.id }, it);

/**
 * Records that an account starts a plan. Concurrent starts wait for each other here.
 * @returns false if the account had the plan before, through any of its customers: it gets no trial
 */
export async function recordPlanStart(
  tx: Queryable,
  accountId: string,
  planId: string,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO plan_starts (account_id, plan_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1 AS noted`,
    [accountId, planId],
  );
  return rows.length === 1;
}

type Filter = Partial<Record<"accountId" | "customerId", string | undefined>> & {
  status?: Subscription["status"] | undefined;
};

export const listSubscriptions = (
  db: Queryable,
  { accountId, customerId, status, ...page }: PageStart & Filter,
): Promise<Subscription[]> =>
  subscriptions.page(db, {
    ...page,
    where: { customerId, status },
    and: { [OF_ACCOUNT]: accountId },
  });
