import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import { INTERVALS } from "../domain/calendar.ts";
import { type PageStart, found, moneyColumn } from "./columns.ts";

const plans = table("plans", {
  id: z.string(),
  name: z.string(),
  description: z.string(),
  archived: z.boolean(),
  version: z.number(),
  createdAtMs: time,
});
export type Plan = RowOf<typeof plans>;

const prices = table("prices", {
  id: z.string(),
  planId: z.string(),
  currency: z.string(),
  unitAmount: moneyColumn,
  interval: z.enum(INTERVALS),
  trialDays: z.number(),
  archived: z.boolean(),
  version: z.number(),
  createdAtMs: time,
});
export type Price = RowOf<typeof prices>;

type Archived = { archived: boolean | undefined };
const FOR_UPDATE = "FOR NO KEY UPDATE";

/** @throws AppError not_found */
export const readPlan = async (db: Queryable, id: string): Promise<Plan> =>
  found(await plans.find(db, { id }), "plan", id);

/** @throws AppError not_found */
export const lockPlan = async (tx: Queryable, id: string): Promise<Plan> =>
  found(await plans.find(tx, { id }, FOR_UPDATE), "plan", id);

/** @throws AppError not_found */
export const readPrice = async (db: Queryable, id: string): Promise<Price> =>
  found(await prices.find(db, { id }), "price", id);

/** @throws AppError not_found */
export const lockPrice = async (tx: Queryable, id: string): Promise<Price> =>
  found(await prices.find(tx, { id }, FOR_UPDATE), "price", id);

export const insertPlan = (
  tx: Queryable,
  it: Pick<Plan, "id" | "name" | "description" | "createdAtMs">,
): Promise<Plan> => plans.insert(tx, it);

/** Properties that are undefined stay as they are. */
export const updatePlan = (
  tx: Queryable,
  id: string,
  changes: { [Name in "name" | "description" | "archived"]?: Plan[Name] | undefined },
): Promise<Plan> => plans.update(tx, { id }, changes);

export const insertPrice = (
  tx: Queryable,
  it: Omit<Price, "archived" | "version">,
): Promise<Price> => prices.insert(tx, it);

/** Nothing else of a price ever changes, as subscriptions keep the terms that they were sold at. */
export const archivePrice = (tx: Queryable, id: string, archived: boolean): Promise<Price> =>
  prices.update(tx, { id }, { archived });

export const listPlans = (db: Queryable, { archived, ...page }: PageStart & Archived) =>
  plans.page(db, { ...page, where: { archived } });

export const listPrices = (
  db: Queryable,
  { planId, archived, ...page }: PageStart & Archived & { planId: string | undefined },
) => prices.page(db, { ...page, where: { planId, archived } });
