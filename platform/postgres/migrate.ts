import { AppError } from "../errors.ts";
import type { Database } from "./database.ts";

/**
 * A step of a room's schema. Steps are only ever added at the end, and only ones that the version before them can live
 * with (expand, then in a later release contract), so that two versions can run beside each other during a deploy.
 */
type Migration = { id: string; sql: string };
export type RoomMigrations = { room: string; migrations: readonly Migration[] };

const LOCK_KEY = 7_184_600;

/** Applies what is missing, in order, in one transaction; of several processes one does it and the others wait. */
export async function migrate(
  database: Database,
  rooms: readonly RoomMigrations[],
): Promise<{ applied: string[] }> {
  return database.transaction(async (transaction) => {
    await transaction.query("SELECT pg_advisory_xact_lock($1)", [LOCK_KEY]);
    await transaction.query(
      "CREATE TABLE IF NOT EXISTS migrations (id text PRIMARY KEY, sql text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const rows = await transaction.query("SELECT id, sql FROM migrations");
    const done = new Map(rows.map(({ id, sql }) => [String(id), String(sql)]));
    const applied: string[] = [];
    for (const { room, migrations } of rooms) {
      for (const { id, sql } of migrations) {
        const name = `${room}/${id}`;
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
    `Migration ${name} was changed after this database had applied it. Undo the change and add a new migration after it.`,
  );
