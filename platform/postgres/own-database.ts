import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import { type Database, poolDatabase } from "./database.ts";

const CHECK_EVERY_MS = 250;

/** The URL of another database on the server, named after this one. */
export function neighbourOf(databaseUrl: string, suffix: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `${url.pathname.slice(1) || decodeURIComponent(url.username)}_${suffix}`;
  return url.href;
}

/**
 * Creates the database on the server of `existingUrl` unless it exists.
 * @throws AppError when the user may not create databases
 */
export async function ensureDatabase(existingUrl: string, databaseUrl: string): Promise<void> {
  const name = nameOf(databaseUrl);
  await onServer(existingUrl, async (server) => {
    const exists = async (): Promise<boolean> =>
      (await server.query("SELECT 1 FROM pg_database WHERE datname = $1", [name])).length > 0;
    if (await exists()) return;
    await server.query(`CREATE DATABASE ${quoted(name)}`).catch(async (error: unknown) => {
      // Another process may have created it meanwhile.
      if (await exists()) return;
      const why = error instanceof Error ? error.message : String(error);
      throw new AppError(
        "unavailable",
        `The database ${name} cannot be created (${why}). Grant CREATEDB to the user of DATABASE_URL, or create that database for it.`,
        { cause: error },
      );
    });
  });
}

/** Resolves when nobody is connected to the database, or after `msMax`. */
export const untilUnused = (
  existingUrl: string,
  databaseUrl: string,
  msMax: number,
): Promise<void> =>
  onServer(existingUrl, async (server) => {
    const untilMs = performance.now() + msMax;
    const sql = "SELECT 1 FROM pg_stat_activity WHERE datname = $1";
    while ((await server.query(sql, [nameOf(databaseUrl)])).length > 0) {
      if (performance.now() > untilMs) return;
      await delay(CHECK_EVERY_MS);
    }
  });

/** Ends all connections to the database, and deletes it if it exists. */
export const dropDatabase = (existingUrl: string, databaseUrl: string): Promise<void> =>
  onServer(existingUrl, async (server) => {
    await server.query(`DROP DATABASE IF EXISTS ${quoted(nameOf(databaseUrl))} WITH (FORCE)`);
  });

async function onServer(url: string, work: (server: Database) => Promise<void>): Promise<void> {
  const server = poolDatabase(url, { onError: () => undefined, connectionsMax: 1 });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

const nameOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1));
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
