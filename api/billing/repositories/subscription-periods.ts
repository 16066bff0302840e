import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import type { Money } from "../domain/money.ts";
import type { TaxRate } from "../domain/tax.ts";
import { moneyColumn } from "./columns.ts";

/** The price of a whole period, as last billed. */
export type BilledPeriod = { gross: Money; discount: Money; taxRate: TaxRate };

const periods = table("subscription_periods", {
  subscriptionId: z.string(),
  period: z.number(),
  startsAtMs: time,
  endsAtMs: time,
  gross: moneyColumn,
  discount: moneyColumn,
  basisPoints: z.number().meta({ column: "tax_rate_bp" }),
  inclusive: z.boolean().meta({ column: "tax_inclusive" }),
});
type Key = Pick<RowOf<typeof periods>, "subscriptionId" | "period">;

export async function readPeriod(
  db: Queryable,
  { subscriptionId, period }: Key,
): Promise<BilledPeriod> {
  const row = await periods.find(db, { subscriptionId, period });
  if (row === undefined) throw new Error(`${subscriptionId} has no period ${period}`);
  const { gross, discount, basisPoints, inclusive } = row;
  return { gross, discount, taxRate: { basisPoints, inclusive } };
}

/** Records a period as billed. @returns false if it was recorded before and must not be billed again */
export async function claimPeriod(
  tx: Queryable,
  { subscriptionId, period, startMs, endMs }: Key & { startMs: number; endMs: number },
  { taxRate, ...price }: BilledPeriod,
): Promise<boolean> {
  const key = { subscriptionId, period };
  const row = { ...key, ...price, ...taxRate, startsAtMs: startMs, endsAtMs: endMs };
  return (await periods.insertIfAbsent(tx, row)) !== undefined;
}

/** Saves the price of a period after a change. */
export async function repricePeriod(
  tx: Queryable,
  { subscriptionId, period }: Key,
  { gross, discount }: BilledPeriod,
): Promise<void> {
  await periods.update(tx, { subscriptionId, period }, { gross, discount });
}
