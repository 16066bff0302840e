import path from "node:path";

import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Database, poolDatabase } from "./database.ts";
import { startEmbedded } from "./embedded.ts";

const OLDEST_VERSION = 14;

/**
 * The database of members, grants, incidents and deploys: the server that `databaseUrl` names, else an embedded one in
 * `<dataFolder>/postgres`, started as a child.
 * @throws AppError that says what is wrong with the server or the folder and what to do.
 */
export async function openPostgres(options: {
  dataFolder: string;
  databaseUrl: string | undefined;
  log: Log;
}): Promise<Database> {
  const onError = (error: Error): void =>
    options.log.warn("a connection to PostgreSQL broke", { error });
  if (options.databaseUrl === undefined) {
    const server = await startEmbedded(path.resolve(options.dataFolder));
    return poolDatabase(server.url, { onError, afterClose: () => server.stop() });
  }
  const database = poolDatabase(options.databaseUrl, { onError });
  try {
    await checkServer(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function checkServer(database: Database): Promise<void> {
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
