import { AppError } from "../errors.ts";
import type { Queryable } from "./database.ts";

const OLDEST_VERSION = 14;

/** @throws AppError that says what is wrong with the server that DATABASE_URL names */
export async function checkServer(database: Queryable): Promise<void> {
  const rows = await database.query("SHOW server_version_num").catch((error: unknown) => {
    // What the driver said is more to the point than what a request would be told.
    const said = error instanceof AppError ? error.cause : error;
    const reason = said instanceof Error ? said.message || said.name : String(said);
    throw new AppError(
      "unavailable",
      `The PostgreSQL server that DATABASE_URL names cannot be used: ${reason}. Check host, port, user, password and database name.`,
      { cause: error },
    );
  });
  const version = Math.floor(Number(rows[0]?.["server_version_num"]) / 10_000);
  if (version < OLDEST_VERSION) {
    throw new AppError(
      "unavailable",
      `DATABASE_URL names PostgreSQL ${version}; Quarterdeck needs ${OLDEST_VERSION} or newer.`,
    );
  }
}
