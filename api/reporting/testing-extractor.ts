import path from "node:path";

import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";
import { openServiceDatabase } from "#platform/postgres/service-database.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { extractEvents } from "./commands/extract-events.ts";
import { loadFiles, compactLake } from "./commands/load-files.ts";
import { httpFeed } from "./repositories/event-feed.ts";
import { LakeDuck } from "./repositories/lake-duck.ts";
import { warehouseSettings } from "./settings.ts";
import { openWarehouse } from "./warehouse/open-warehouse.ts";

/** A process for tests to kill: it extracts and tidies without a pause. */
export const EXTRACTOR_FILE = import.meta.filename;

async function main([databaseUrl = "", folder = "", feedUrl = ""]: string[]): Promise<void> {
  const log = silentLog();
  const database = openServiceDatabase({
    url: databaseUrl,
    replicaUrls: [],
    schema: "reporting",
    log,
  });
  const { warehouse: settings } = parseSettings({ warehouse: warehouseSettings }, {});
  const clock = systemClock;
  const duck = await LakeDuck.open(path.join(folder, "warehouse"));
  const warehouse = openWarehouse(settings, { log, database, duck });
  const deps = { database, duck, warehouse, clock, log, hashUser: (id: string) => id };
  const feed = httpFeed({ url: feedUrl, token: "token" });
  process.stdout.write("up\n");
  for (;;) {
    await extractEvents(deps, { source: "billing", feed });
    await loadFiles(deps);
    await compactLake(deps);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
