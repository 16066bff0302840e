import { afterAll, beforeAll } from "vitest";

import { migrateService } from "#api/kit/instance.ts";
import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { silentLog } from "#platform/log.ts";
import { type ServiceDatabase, openServiceDatabase } from "#platform/postgres/service-database.ts";

import { postgresStore } from "../repositories/postgres-store.ts";
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
