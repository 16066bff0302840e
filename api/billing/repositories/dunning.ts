import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";
import { type RowOf, table, time } from "#platform/postgres/table.ts";

import type { DunningPolicy } from "../domain/dunning.ts";
import type { PageStart } from "./columns.ts";

const policies = table("dunning_policy", {
  /** Key of the only row. */
  one: z.literal(true),
  retryDays: z.array(z.number()),
  finally: z.enum(["cancel", "unpaid"]),
  version: z.number(),
});
export type StoredPolicy = RowOf<typeof policies>;
const ONLY = { one: true } as const;

function onlyPolicy(policy: StoredPolicy | undefined): StoredPolicy {
  if (policy === undefined) throw new Error("the row of dunning_policy is missing");
  return policy;
}

export const readPolicy = async (db: Queryable): Promise<StoredPolicy> =>
  onlyPolicy(await policies.find(db, ONLY));

export const lockPolicy = async (tx: Queryable): Promise<StoredPolicy> =>
  onlyPolicy(await policies.find(tx, ONLY, "FOR UPDATE"));

export const savePolicy = (tx: Queryable, it: DunningPolicy): Promise<StoredPolicy> =>
  policies.update(tx, ONLY, { retryDays: [...it.retryDays], finally: it.finally });

export const DUNNING_STATUSES = ["active", "recovered", "exhausted"] as const;
const runs = table("dunning", {
  invoiceId: z.string(),
  subscriptionId: z.string(),
  customerId: z.string(),
  status: z.enum(DUNNING_STATUSES),
  startedAtMs: time,
  /** Number of retries so far. */
  retries: z.number(),
  nextAtMs: time.nullable(),
  updatedAtMs: time,
});
/** Dunning of one invoice. */
export type DunningRun = Omit<RowOf<typeof runs>, "updatedAtMs">;

/** To change it, lock its invoice. */
export const findRun = (db: Queryable, invoiceId: string): Promise<DunningRun | undefined> =>
  runs.find(db, { invoiceId });

export async function saveRun(tx: Queryable, it: DunningRun, nowMs: number): Promise<void> {
  const row = { ...it, updatedAtMs: nowMs };
  if ((await runs.insertIfAbsent(tx, row)) !== undefined) return;
  await runs.update(tx, { invoiceId: it.invoiceId }, row);
}

export const listRuns = (
  db: Queryable,
  { status, ...page }: PageStart & { status: DunningRun["status"] | undefined },
): Promise<DunningRun[]> =>
  runs.page(db, { ...page, by: ["started_at", "invoice_id"], where: { status } });
