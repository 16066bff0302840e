import { join } from "node:path";

import type { Database } from "#platform/postgres/database.ts";

import { openFileJournal } from "./file-journal.ts";
import type { Journal } from "./port.ts";
import { openPostgresJournal } from "./postgres-journal.ts";

/**
 * The journal of deploys: in the data folder on one machine, in PostgreSQL if the control plane has one for several.
 * Undefined while another process is the writer.
 */
export function openJournal(options: {
  dataFolder: string;
  /** The control plane's database, if it is not the embedded one. */
  postgres: { database: Database; url: string } | undefined;
}): Promise<Journal | undefined> {
  const { dataFolder, postgres } = options;
  return postgres === undefined
    ? openFileJournal(join(dataFolder, "deploys"))
    : openPostgresJournal(postgres.database, postgres.url);
}
