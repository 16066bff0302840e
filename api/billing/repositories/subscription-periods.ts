import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Money } from "../domain/money.ts";
import type { TaxRate } from "../domain/tax.ts";
import { MoneyText, parseRows } from "./rows.ts";

/** What a whole period costs as its subscription is now: what a change gives back a part of. */
export type BilledPeriod = { gross: Money; discount: Money; taxRate: TaxRate };

const PeriodRow = z
  .object({
    gross: MoneyText,
    discount: MoneyText,
    tax_rate_bp: z.number(),
    tax_inclusive: z.boolean(),
  })
  .transform(({ gross, discount, ...row }) => ({
    gross,
    discount,
    taxRate: { basisPoints: row.tax_rate_bp, inclusive: row.tax_inclusive },
  }));

type At = { subscriptionId: string; period: number };

/** Of a locked subscription. */
export async function readPeriod(db: Queryable, at: At): Promise<BilledPeriod> {
  const rows = await db.query(
    `SELECT gross::text, discount::text, tax_rate_bp, tax_inclusive FROM subscription_periods
     WHERE subscription_id = $1 AND period = $2`,
    [at.subscriptionId, at.period],
  );
  const [period] = parseRows(PeriodRow, rows);
  if (period === undefined) throw new Error(`${at.subscriptionId} has no period ${at.period}`);
  return period;
}

/** Notes that a period is billed; false where it was before: whoever gets false isBillable nothing. */
export async function claimPeriod(
  tx: Queryable,
  { subscriptionId, period, startMs, endMs }: At & { startMs: number; endMs: number },
  billed: BilledPeriod,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO subscription_periods (subscription_id, period, starts_at, ends_at, gross, discount, tax_rate_bp,
       tax_inclusive) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING period`,
    [
      subscriptionId,
      period,
      new Date(startMs),
      new Date(endMs),
      billed.gross.toString(),
      billed.discount.toString(),
      billed.taxRate.basisPoints,
      billed.taxRate.inclusive,
    ],
  );
  return rows.length === 1;
}

/** What a period costs after a change in it. */
export async function repricePeriod(tx: Queryable, at: At, billed: BilledPeriod): Promise<void> {
  await tx.query(
    "UPDATE subscription_periods SET gross = $3, discount = $4 WHERE subscription_id = $1 AND period = $2",
    [at.subscriptionId, at.period, billed.gross.toString(), billed.discount.toString()],
  );
}
