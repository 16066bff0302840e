import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { INTERVALS } from "../domain/calendar.ts";
import type { ListFrom } from "./customers.ts";
import { MoneyText, TimeMs, columns, parseRows } from "./rows.ts";

const PlanRow = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    archived: z.boolean(),
    version: z.number(),
    created_at: TimeMs,
  })
  .transform(({ created_at: createdMs, ...row }) => ({ ...row, createdMs }));
export type Plan = z.output<typeof PlanRow>;
const PLAN = "id, name, description, archived, version, created_at";

const PriceRow = z
  .object({
    id: z.string(),
    plan_id: z.string(),
    currency: z.string(),
    unit_amount: MoneyText,
    interval: z.enum(INTERVALS),
    trial_days: z.number(),
    archived: z.boolean(),
    version: z.number(),
    created_at: TimeMs,
  })
  .transform((row) => ({
    id: row.id,
    planId: row.plan_id,
    currency: row.currency,
    unitAmount: row.unit_amount,
    interval: row.interval,
    trialDays: row.trial_days,
    archived: row.archived,
    version: row.version,
    createdMs: row.created_at,
  }));
export type Price = z.output<typeof PriceRow>;
const PRICE = columns(
  "id, plan_id, currency, interval, trial_days, archived, version, created_at",
  "unit_amount",
);

const LOCK = { read: "", change: "FOR NO KEY UPDATE" };

/** @throws AppError not_found */
export async function readPlan(
  db: Queryable,
  id: string,
  to: keyof typeof LOCK = "read",
): Promise<Plan> {
  const rows = await db.query(`SELECT ${PLAN} FROM plans WHERE id = $1 ${LOCK[to]}`, [id]);
  const [plan] = parseRows(PlanRow, rows);
  if (plan === undefined) throw new AppError("not_found", `There is no plan ${id}.`);
  return plan;
}

/** @throws AppError not_found */
export async function readPrice(
  db: Queryable,
  id: string,
  to: keyof typeof LOCK = "read",
): Promise<Price> {
  const rows = await db.query(`SELECT ${PRICE} FROM prices WHERE id = $1 ${LOCK[to]}`, [id]);
  const [price] = parseRows(PriceRow, rows);
  if (price === undefined) throw new AppError("not_found", `There is no price ${id}.`);
  return price;
}

export async function insertPlan(
  tx: Queryable,
  it: Pick<Plan, "id" | "name" | "description" | "createdMs">,
): Promise<void> {
  await tx.query("INSERT INTO plans (id, name, description, created_at) VALUES ($1, $2, $3, $4)", [
    it.id,
    it.name,
    it.description,
    new Date(it.createdMs),
  ]);
}

export async function updatePlan(
  tx: Queryable,
  it: Pick<Plan, "id" | "name" | "description" | "archived">,
): Promise<void> {
  await tx.query(
    "UPDATE plans SET name = $2, description = $3, archived = $4, version = version + 1 WHERE id = $1",
    [it.id, it.name, it.description, it.archived],
  );
}

export async function insertPrice(
  tx: Queryable,
  it: Omit<Price, "archived" | "version">,
): Promise<void> {
  await tx.query(
    `INSERT INTO prices (id, plan_id, currency, unit_amount, interval, trial_days, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      it.id,
      it.planId,
      it.currency,
      it.unitAmount.toString(),
      it.interval,
      it.trialDays,
      new Date(it.createdMs),
    ],
  );
}

/** All that ever changes in a price: subscriptions go on with what they were sold. */
export async function archivePrice(tx: Queryable, id: string, archived: boolean): Promise<void> {
  await tx.query("UPDATE prices SET archived = $2, version = version + 1 WHERE id = $1", [
    id,
    archived,
  ]);
}

/** Newest first, one more than `limit`. */
export async function listPlans(
  db: Queryable,
  it: ListFrom & { archived: boolean | undefined },
): Promise<Plan[]> {
  const rows = await db.query(
    `SELECT ${PLAN} FROM plans WHERE ($1::boolean IS NULL OR archived = $1)
       AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4`,
    [it.archived ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
  );
  return parseRows(PlanRow, rows);
}

/** Newest first, one more than `limit`. */
export async function listPrices(
  db: Queryable,
  it: ListFrom & { planId: string | undefined; archived: boolean | undefined },
): Promise<Price[]> {
  const rows = await db.query(
    `SELECT ${PRICE} FROM prices WHERE ($1::text IS NULL OR plan_id = $1)
       AND ($2::boolean IS NULL OR archived = $2) AND (created_at, id) < ($3, $4)
     ORDER BY created_at DESC, id DESC LIMIT $5`,
    [it.planId ?? null, it.archived ?? null, new Date(it.after[0]), it.after[1], it.limit + 1],
  );
  return parseRows(PriceRow, rows);
}
