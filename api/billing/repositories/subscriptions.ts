import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { SUBSCRIPTION_STATUSES } from "../domain/subscription.ts";
import { type ListFrom, lockCustomer } from "./customers.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const SubscriptionRow = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    price_id: z.string(),
    quantity: z.number(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    currency: z.string(),
    mrr: MoneyText,
    anchor_at: TimeMs,
    anchor_period: z.number(),
    period: z.number(),
    period_start: TimeMs,
    period_end: TimeMs,
    cancel_at_period_end: z.boolean(),
    canceled_at: TimeMs.nullable(),
    coupon_id: z.string().nullable(),
    discount_ends_at: TimeMs.nullable(),
    payment_method_id: z.string().nullable(),
    latest_invoice_id: z.string().nullable(),
    version: z.number(),
    created_at: TimeMs,
  })
  .transform((row) => ({
    id: row.id,
    customerId: row.customer_id,
    priceId: row.price_id,
    quantity: row.quantity,
    status: row.status,
    currency: row.currency,
    mrr: row.mrr,
    /** Start of the period number `anchorPeriod`, from which all later ones are counted. */
    anchorMs: row.anchor_at,
    anchorPeriod: row.anchor_period,
    /** Number of the current period; a trial is the first. */
    period: row.period,
    startMs: row.period_start,
    endMs: row.period_end,
    cancelAtPeriodEnd: row.cancel_at_period_end,
    canceledMs: row.canceled_at,
    couponId: row.coupon_id,
    /** Periods that begin before are discounted; null with a coupon: all. */
    discountEndsMs: row.discount_ends_at,
    paymentMethodId: row.payment_method_id,
    latestInvoiceId: row.latest_invoice_id,
    version: row.version,
    createdMs: row.created_at,
  }));
export type Subscription = z.output<typeof SubscriptionRow>;

const COLUMNS = columns(
  "id, customer_id, price_id, quantity, status, currency, anchor_at, anchor_period, period, period_start, period_end, cancel_at_period_end, canceled_at, coupon_id, discount_ends_at, payment_method_id, latest_invoice_id, version, created_at",
  "mrr",
);

export const noSubscription = (id: string): AppError =>
  new AppError("not_found", `There is no subscription ${id}.`);

/** @throws AppError not_found */
export async function readSubscription(db: Queryable, id: string): Promise<Subscription> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM subscriptions WHERE id = $1`, [id]);
  const [subscription] = parseRows(SubscriptionRow, rows);
  if (subscription === undefined) throw noSubscription(id);
  return subscription;
}

/** The subscription for change; its customer is locked first (`lockCustomer`). @throws AppError not_found */
export async function lockSubscription(tx: Queryable, id: string): Promise<Subscription> {
  const { customerId } = await readSubscription(tx, id);
  await lockCustomer(tx, customerId);
  return readSubscription(tx, id);
}

const date = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/** Writes all of a subscription, whether it is new or was locked. */
export async function saveSubscription(tx: Queryable, it: Subscription): Promise<void> {
  await tx.query(
    `INSERT INTO subscriptions (id, customer_id, price_id, quantity, status, currency, mrr, anchor_at, anchor_period,
       period, period_start, period_end, cancel_at_period_end, canceled_at, coupon_id, discount_ends_at,
       payment_method_id, latest_invoice_id, version, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     ON CONFLICT (id) DO UPDATE SET price_id = $3, quantity = $4, status = $5, mrr = $7, anchor_at = $8,
       anchor_period = $9, period = $10, period_start = $11, period_end = $12, cancel_at_period_end = $13,
       canceled_at = $14, coupon_id = $15, discount_ends_at = $16, payment_method_id = $17, latest_invoice_id = $18,
       version = $19`,
    [
      it.id,
      it.customerId,
      it.priceId,
      it.quantity,
      it.status,
      it.currency,
      it.mrr.toString(),
      date(it.anchorMs),
      it.anchorPeriod,
      it.period,
      date(it.startMs),
      date(it.endMs),
      it.cancelAtPeriodEnd,
      date(it.canceledMs),
      it.couponId,
      date(it.discountEndsMs),
      it.paymentMethodId,
      it.latestInvoiceId,
      it.version,
      date(it.createdMs),
    ],
  );
}

/**
 * Notes that an account has a plan; false where it ever had it before, as whichever customer: trials are for new ones.
 * Two that begin at the same time wait for each other here.
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

type Filter = ListFrom & {
  accountId: string | undefined;
  customerId: string | undefined;
  status: string | undefined;
};

/** Newest first, one more than `limit`. */
export async function listSubscriptions(db: Queryable, it: Filter): Promise<Subscription[]> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM subscriptions
     WHERE ($1::text IS NULL OR customer_id IN (SELECT id FROM customers WHERE account_id = $1))
       AND ($2::text IS NULL OR customer_id = $2) AND ($3::text IS NULL OR status = $3)
       AND (created_at, id) < ($4, $5) ORDER BY created_at DESC, id DESC LIMIT $6`,
    [
      it.accountId ?? null,
      it.customerId ?? null,
      it.status ?? null,
      new Date(it.after[0]),
      it.after[1],
      it.limit + 1,
    ],
  );
  return parseRows(SubscriptionRow, rows);
}
