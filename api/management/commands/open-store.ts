import type { ManagementKit } from "../kit.ts";
import { mongoClient, openMongoStore } from "../repositories/mongo-store.ts";
import { postgresStore } from "../repositories/postgres-store.ts";
import type { ManagementSettings } from "../settings.ts";
import type { SettingsStore } from "../store/port.ts";

type ChosenStore = {
  store: SettingsStore;
  /** See `RouteDeps.intend`. */
  intend(application: string): Promise<void>;
};

/** How long the answer to a change may take until another process looks whether it was announced. */
const ANNOUNCE_AFTER_MS = 10_000;

/** The store that the configuration names: MongoDB where it has `MONGODB_URL`, else the service's own PostgreSQL. */
export async function openStore(
  kit: ManagementKit,
  { mongodbUrl }: ManagementSettings,
): Promise<ChosenStore> {
  if (mongodbUrl === undefined) {
    return { store: postgresStore(kit.database), intend: () => Promise.resolve() };
  }
  const client = mongoClient(mongodbUrl);
  const store = await openMongoStore(client).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  return {
    store,
    // The change is in MongoDB, its announcement in PostgreSQL: the promise to look is written before both.
    intend: (application) =>
      kit.jobs.add(kit.database, {
        kind: "announce",
        payload: { application },
        runAtMs: kit.clock.nowMs() + ANNOUNCE_AFTER_MS,
      }),
  };
}
