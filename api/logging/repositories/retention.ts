import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

/** Retention of a dataset: `days` null means unlimited, `version` 0 means never set. */
export type RetentionRule = { days: number | null; version: number; changedAt: Date | null };

const Row = z
  .object({
    dataset: z.string(),
    days: z.number().nullable(),
    version: z.number(),
    changed_at: z.date().nullable(),
  })
  .transform(({ changed_at: changedAt, ...rest }) => ({ ...rest, changedAt }));

const COLUMNS = "dataset, days, version, changed_at";
const UNSET: RetentionRule = { days: null, version: 0, changedAt: null };

export async function readRule(db: Queryable, dataset: string): Promise<RetentionRule> {
  const [row] = await db.query(`SELECT ${COLUMNS} FROM retention WHERE dataset = $1`, [dataset]);
  return row === undefined ? UNSET : Row.parse(row);
}

/** The rule, locked until the transaction ends. */
export async function lockRule(tx: Queryable, dataset: string): Promise<RetentionRule> {
  await tx.query(
    "INSERT INTO retention (dataset, version) VALUES ($1, 0) ON CONFLICT (dataset) DO NOTHING",
    [dataset],
  );
  const [row] = await tx.query(`SELECT ${COLUMNS} FROM retention WHERE dataset = $1 FOR UPDATE`, [
    dataset,
  ]);
  return Row.parse(row);
}

export type RuleChange = { dataset: string; days: number | null; by: string; atMs: number };

export async function changeRule(tx: Queryable, change: RuleChange): Promise<RetentionRule> {
  const [row] = await tx.query(
    `UPDATE retention SET days = $2, version = version + 1, changed_at = $3, changed_by = $4
     WHERE dataset = $1 RETURNING ${COLUMNS}`,
    [change.dataset, change.days, new Date(change.atMs), change.by],
  );
  return Row.parse(row);
}

/** All rules. */
export async function readRules(db: Queryable): Promise<Map<string, RetentionRule>> {
  const rows = await db.query(`SELECT ${COLUMNS} FROM retention WHERE version > 0`);
  return new Map(rows.map((row) => Row.parse(row)).map(({ dataset, ...rule }) => [dataset, rule]));
}

/** Held until the end of the transaction that applies the rules to the store. */
export async function lockApplying(tx: Queryable): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('logging.retention'))");
}
