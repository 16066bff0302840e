import path from "node:path";

import type { Log } from "../log.ts";
import { checkServer } from "./check-server.ts";
import { type Database, poolDatabase } from "./database.ts";
import { startEmbedded } from "./embedded.ts";

/**
 * The database of the control plane: the server of `databaseUrl`, otherwise an embedded one in `<dataFolder>/postgres`,
 * started as a child process.
 * @throws AppError with the problem of the server or the folder, and what to do.
 */
export async function openPostgres(options: {
  dataFolder: string;
  databaseUrl: string | undefined;
  log: Log;
  /** Called when a connection was lost, for example because the server restarts. */
  onLost?: () => void;
}): Promise<Database> {
  const onError = (error: Error): void => {
    options.log.warn("a connection to PostgreSQL was lost", { error });
    options.onLost?.();
  };
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
