import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { COUPON_DURATIONS, type CouponTerms, type CouponValue } from "../domain/coupon.ts";
import type { Money } from "../domain/money.ts";
import type { ListFrom } from "./customers.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const CouponRow = z
  .object({
    id: z.string(),
    code: z.string(),
    percent_off: z.number().nullable(),
    amount_off: MoneyText.nullable(),
    currency: z.string().nullable(),
    duration: z.enum(COUPON_DURATIONS),
    duration_months: z.number().nullable(),
    max_redemptions: z.number().nullable(),
    times_redeemed: z.number(),
    minimum_amount: MoneyText,
    expires_at: TimeMs.nullable(),
    active: z.boolean(),
    version: z.number(),
    created_at: TimeMs,
  })
  .transform((row) => ({
    id: row.id,
    code: row.code,
    value: valueOf(row),
    currency: row.currency,
    duration: row.duration,
    durationMonths: row.duration_months,
    maxRedemptions: row.max_redemptions,
    timesRedeemed: row.times_redeemed,
    minimumAmount: row.minimum_amount,
    expiresMs: row.expires_at,
    active: row.active,
    version: row.version,
    createdMs: row.created_at,
  }));
export type Coupon = z.output<typeof CouponRow>;

function valueOf(row: {
  percent_off: number | null;
  amount_off: Money | null;
  currency: string | null;
}): CouponValue {
  if (row.percent_off !== null) return { kind: "percent", basisPoints: row.percent_off };
  if (row.amount_off !== null && row.currency !== null) {
    return { kind: "amount", amount: row.amount_off, currency: row.currency };
  }
  throw new Error("a coupon takes off nothing");
}

const COLUMNS = columns(
  "id, code, percent_off, currency, duration, duration_months, max_redemptions, times_redeemed, expires_at, active, version, created_at",
  "amount_off minimum_amount",
);

/** @throws AppError not_found */
export async function readCoupon(db: Queryable, id: string): Promise<Coupon> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM coupons WHERE id = $1`, [id]);
  const [coupon] = parseRows(CouponRow, rows);
  if (coupon === undefined) throw new AppError("not_found", `There is no coupon ${id}.`);
  return coupon;
}

export type NewCoupon = CouponTerms &
  Pick<Coupon, "id" | "code" | "maxRedemptions" | "expiresMs" | "createdMs">;

/** @returns undefined where another coupon has the code */
export async function insertCoupon(tx: Queryable, it: NewCoupon): Promise<Coupon | undefined> {
  const rows = await tx.query(
    `INSERT INTO coupons (id, code, percent_off, amount_off, currency, duration, duration_months, max_redemptions,
       minimum_amount, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (code) DO NOTHING RETURNING ${COLUMNS}`,
    [
      it.id,
      it.code,
      it.value.kind === "percent" ? it.value.basisPoints : null,
      it.value.kind === "amount" ? it.value.amount.toString() : null,
      it.currency,
      it.duration,
      it.durationMonths,
      it.maxRedemptions,
      it.minimumAmount.toString(),
      it.expiresMs === null ? null : new Date(it.expiresMs),
      new Date(it.createdMs),
    ],
  );
  return parseRows(CouponRow, rows)[0];
}

/** Stops or allows further redemptions. @returns undefined where it is not in the version that is expected, if one is */
export async function setCouponActive(
  tx: Queryable,
  it: { id: string; active: boolean; expected: number | undefined },
): Promise<Coupon | undefined> {
  const rows = await tx.query(
    `UPDATE coupons SET active = $2, version = version + 1 WHERE id = $1 AND ($3::bigint IS NULL OR version = $3)
     RETURNING ${COLUMNS}`,
    [it.id, it.active, it.expected ?? null],
  );
  return parseRows(CouponRow, rows)[0];
}

/** Newest first, one more than `limit`. */
export async function listCoupons(
  db: Queryable,
  it: ListFrom & { code: string | undefined },
): Promise<Coupon[]> {
  const rows = await db.query(
    `SELECT ${COLUMNS} FROM coupons WHERE ($1::text IS NULL OR code = $1)
       AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4`,
    [it.code ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
  );
  return parseRows(CouponRow, rows);
}

/**
 * Takes one of a coupon's redemptions, if it is active, has not expired and has one left: decided by one conditional
 * update, so that of any number at the same time no more than the limit get one. The row stays locked to the commit.
 */
export async function claimRedemption(
  tx: Queryable,
  code: string,
  nowMs: number,
): Promise<Coupon | undefined> {
  const rows = await tx.query(
    `UPDATE coupons SET times_redeemed = times_redeemed + 1
     WHERE code = $1 AND active AND (expires_at IS NULL OR expires_at > $2)
       AND (max_redemptions IS NULL OR times_redeemed < max_redemptions) RETURNING ${COLUMNS}`,
    [code, new Date(nowMs)],
  );
  return parseRows(CouponRow, rows)[0];
}

/** Notes who redeemed it; false where the account of this customer did so before, as whichever customer. */
export async function recordRedemption(
  tx: Queryable,
  it: { couponId: string; customerId: string; subscriptionId: string; nowMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO coupon_redemptions (coupon_id, customer_id, subscription_id, redeemed_at, account_id)
     SELECT $1, id, $3, $4, account_id FROM customers WHERE id = $2 ON CONFLICT DO NOTHING RETURNING 1 AS noted`,
    [it.couponId, it.customerId, it.subscriptionId, new Date(it.nowMs)],
  );
  return rows.length === 1;
}
