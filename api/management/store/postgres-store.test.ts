import { afterAll, beforeAll } from "vitest";

import { type ServiceDatabase, openServiceDatabase } from "#api/kit/database.ts";
import { migrateService } from "#api/kit/instance.ts";
import { dropDatabase, newDatabase } from "#api/kit/testing.ts";
import { silentLog } from "#platform/log.ts";

import { postgresStore } from "../schema/postgres-store.ts";
import { management } from "../service.ts";
import { testSettingsStore } from "./contract.ts";

let database: ServiceDatabase;
let url: string;

beforeAll(async () => {
  url = await newDatabase();
  database = openServiceDatabase({ url, replicaUrls: [], schema: "management", log: silentLog() });
  await migrateService(management, database);
});

afterAll(async () => {
  await database.close();
  await dropDatabase(url);
});

testSettingsStore(() => ({
  store: postgresStore(database),
  inTransaction: (work) => database.transaction(work),
}));
