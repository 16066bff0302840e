import { AppError } from "../errors.ts";
import type { Database } from "./database.ts";

/**
 * A migration of a module's schema. Migrations are only appended, and the previous version must work with them (expand,
 * then contract in a later release), so that two versions can run side by side during a deploy.
 */
type Migration = { id: string; sql: string };
export type ModuleMigrations = { module: string; migrations: readonly Migration[] };

const LOCK_KEY = 7_184_600;

/** Applies missing migrations in order, in one transaction; other processes wait for it. */
export async function migrate(
  database: Database,
  modules: readonly ModuleMigrations[],
): Promise<{ applied: string[] }> {
  return database.transaction(async (transaction) => {
    await transaction.query("SELECT pg_advisory_xact_lock($1)", [LOCK_KEY]);
    await transaction.query(
      "CREATE TABLE IF NOT EXISTS migrations (id text PRIMARY KEY, sql text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const rows = await transaction.query("SELECT id, sql FROM migrations");
    const done = new Map(rows.map(({ id, sql }) => [String(id), String(sql)]));
    const applied: string[] = [];
    for (const { module, migrations } of modules) {
      for (const { id, sql } of migrations) {
        const name = `${module}/${id}`;
        const before = done.get(name);
        if (before === sql) continue;
        if (before !== undefined) throw changed(name);
        await transaction.query(sql);
        await transaction.query("INSERT INTO migrations (id, sql) VALUES ($1, $2)", [name, sql]);
        applied.push(name);
      }
    }
    return { applied };
  });
}

const changed = (name: string): AppError =>
  new AppError(
    "conflict",
    `Migration ${name} was changed after it was applied to this database. Undo the change and add a new migration.`,
  );
