import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { COUPON_DURATIONS, type CouponTerms, type CouponValue } from "../domain/coupon.ts";
import { type PageStart, found, moneyColumn } from "./columns.ts";

const coupons = table("coupons", {
  id: z.string(),
  code: z.string(),
  percentOff: z.number().nullable(),
  amountOff: moneyColumn.nullable(),
  currency: z.string().nullable(),
  duration: z.enum(COUPON_DURATIONS),
  durationMonths: z.number().nullable(),
  maxRedemptions: z.number().nullable(),
  timesRedeemed: z.number(),
  minimumAmount: moneyColumn,
  expiresAtMs: time.nullable(),
  active: z.boolean(),
  version: z.number(),
  createdAtMs: time,
});
type Row = RowOf<typeof coupons>;
export type Coupon = Omit<Row, "percentOff" | "amountOff"> & { value: CouponValue };

function couponOf({ percentOff, amountOff, ...row }: Row): Coupon {
  const { currency } = row;
  if (percentOff !== null) return { ...row, value: { kind: "percent", basisPoints: percentOff } };
  if (amountOff !== null && currency !== null) {
    return { ...row, value: { kind: "amount", amount: amountOff, currency } };
  }
  throw new Error(`coupon ${row.id} has no discount`);
}
const maybeCoupon = (row: Row | undefined): Coupon | undefined => row && couponOf(row);

/** @throws AppError not_found */
export const readCoupon = async (db: Queryable, id: string): Promise<Coupon> =>
  couponOf(found(await coupons.find(db, { id }), "coupon", id));

type NewCoupon = CouponTerms &
  Pick<Coupon, "id" | "code" | "maxRedemptions" | "expiresAtMs" | "createdAtMs">;

/** @returns undefined if another coupon has the code */
export async function insertCoupon(tx: Queryable, it: NewCoupon): Promise<Coupon | undefined> {
  const row = await coupons.insertIfAbsent(tx, {
    ...it,
    ...(it.value.kind === "percent"
      ? { percentOff: it.value.basisPoints }
      : { amountOff: it.value.amount }),
  });
  return maybeCoupon(row);
}

/** Stops or allows further redemptions. @returns undefined if it does not have the `expected` version */
export async function setCouponActive(
  tx: Queryable,
  it: { id: string; active: boolean; expected: number | undefined },
): Promise<Coupon | undefined> {
  const rows = await tx.query(
    `UPDATE coupons SET active = $2, version = version + 1 WHERE id = $1 AND ($3::bigint IS NULL OR version = $3)
     RETURNING ${coupons.columns}`,
    [it.id, it.active, it.expected ?? null],
  );
  return maybeCoupon(coupons.parse(rows)[0]);
}

export async function listCoupons(
  db: Queryable,
  { code, ...page }: PageStart & { code: string | undefined },
): Promise<Coupon[]> {
  return (await coupons.page(db, { ...page, where: { code } })).map(couponOf);
}

/**
 * Counts a redemption if the coupon is active, not expired and has one left. A single conditional update decides, so
 * concurrent redemptions cannot exceed the limit. The row stays locked until the commit.
 */
export async function claimRedemption(
  tx: Queryable,
  code: string,
  nowMs: number,
): Promise<Coupon | undefined> {
  const rows = await tx.query(
    `UPDATE coupons SET times_redeemed = times_redeemed + 1
     WHERE code = $1 AND active AND (expires_at IS NULL OR expires_at > $2)
       AND (max_redemptions IS NULL OR times_redeemed < max_redemptions) RETURNING ${coupons.columns}`,
    [code, new Date(nowMs)],
  );
  return maybeCoupon(coupons.parse(rows)[0]);
}

/** @returns false if the customer's account has redeemed the coupon before, through any of its customers */
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
