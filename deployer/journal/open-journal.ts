import { join } from "node:path";

import { poolDatabase } from "#platform/postgres/database.ts";

import { openFileJournal } from "./file-journal.ts";
import type { Journal } from "./port.ts";
import { openPostgresJournal } from "./postgres-journal.ts";

/**
 * The journal of deploys: in the data folder for one machine, in PostgreSQL for several.
 * Undefined while another process is the writer.
 * @throws Error if PostgreSQL cannot be reached
 */
export function openJournal(options: {
  dataFolder: string;
  databaseUrl: string | undefined;
}): Promise<Journal | undefined> {
  const { dataFolder, databaseUrl } = options;
  return databaseUrl === undefined
    ? openFileJournal(join(dataFolder, "deploys"))
    : openShared(databaseUrl);
}

async function openShared(url: string): Promise<Journal | undefined> {
  // Each query reports its own error.
  const database = poolDatabase(url, { onError: () => undefined });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => database.close());
  const journal = await openPostgresJournal(database, url);
  if (journal === undefined) return undefined;
  opened.use(journal);
  const all = opened.move();
  return { ...journal, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
