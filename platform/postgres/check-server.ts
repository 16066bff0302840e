import { AppError } from "../errors.ts";
import type { Queryable } from "./database.ts";

const OLDEST_VERSION = 14;

/** @throws AppError with the reason if the server of DATABASE_URL cannot be used */
export async function checkServer(database: Queryable): Promise<void> {
  const rows = await database.query("SHOW server_version_num").catch((error: unknown) => {
    // The message of the driver is more specific than the public one.
    const cause = error instanceof AppError ? error.cause : error;
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new AppError(
      "unavailable",
      `The PostgreSQL server of DATABASE_URL cannot be used: ${reason}. Check host, port, user, password and database name.`,
      { cause: error },
    );
  });
  const version = Math.floor(Number(rows[0]?.["server_version_num"]) / 10_000);
  if (version < OLDEST_VERSION) {
    throw new AppError(
      "unavailable",
      `The server of DATABASE_URL is PostgreSQL ${version}; Quarterdeck requires ${OLDEST_VERSION} or newer.`,
    );
  }
}
