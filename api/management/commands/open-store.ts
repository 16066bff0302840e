import type { ManagementKit } from "../kit.ts";
import { mongoClient, openMongoStore } from "../repositories/mongo-store.ts";
import { postgresStore } from "../repositories/postgres-store.ts";
import type { ManagementSettings } from "../settings.ts";
import type { SettingsStore } from "../store/port.ts";

type ChosenStore = {
  store: SettingsStore;
  /** See `RouteDeps.ensureAnnounced`. */
  ensureAnnounced(application: string): Promise<void>;
};

/** Delay after which another process checks that a change was announced. */
const ANNOUNCE_AFTER_MS = 10_000;

/** Opens MongoDB when `MONGODB_URL` is set, otherwise the service's own PostgreSQL. */
export async function openStore(
  kit: ManagementKit,
  { mongodbUrl }: ManagementSettings,
): Promise<ChosenStore> {
  if (mongodbUrl === undefined) {
    return { store: postgresStore(kit.database), ensureAnnounced: () => Promise.resolve() };
  }
  const client = mongoClient(mongodbUrl);
  const store = await openMongoStore(client).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  return {
    store,
    // The change goes to MongoDB, its announcement to PostgreSQL: a job that checks the announcement is queued before both.
    ensureAnnounced: (application) =>
      kit.jobs.add(kit.database, {
        kind: "announce",
        payload: { application },
        runAtMs: kit.clock.nowMs() + ANNOUNCE_AFTER_MS,
      }),
  };
}
