import { defineService } from "#api/kit/service.ts";

import { announce } from "./commands/change.ts";
import { openStore } from "./commands/open-store.ts";
import { createStateCache } from "./commands/state-cache.ts";
import { createWakeUps } from "./commands/watch.ts";
import { managementEvents } from "./events.ts";
import { managementJobs } from "./jobs.ts";
import { migrations } from "./repositories/migrations.ts";
import { applicationRoutes } from "./routes/applications.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { flagRoutes } from "./routes/flags.ts";
import { historyRoutes } from "./routes/history.ts";
import { resolvedRoute } from "./routes/resolved.ts";
import { secretRoutes } from "./routes/secrets.ts";
import { settingRoutes } from "./routes/settings.ts";
import { watchRoute } from "./routes/watch.ts";
import { managementSettings } from "./settings.ts";

export const management = defineService({
  name: "management",
  title: "Management",
  description:
    "Settings and feature flags of every application: typed, scoped, versioned with who, when and why, with a stream of changes. Secrets are stored by name and never returned: settings refer to them, and they are delivered at deploy time.",
  permissions: {
    "management:settings:read":
      "read applications, settings, their history and changes; …/NAME: of one application, …/NAME*: of those with this prefix",
    "management:settings:write":
      "change applications and settings, import and roll back; changing flags also needs management:flags:write",
    "management:flags:read": "read and evaluate feature flags",
    "management:flags:write": "change feature flags",
    "management:secrets:read": "read the metadata of secrets, never their values",
    "management:secrets:write": "create, rotate and delete secrets",
  },
  migrations,
  settings: managementSettings,
  jobs: managementJobs,
  events: managementEvents,
  async open(kit, settings) {
    const { store, ensureAnnounced } = await openStore(kit, settings);
    const cache = createStateCache({ kit, store });
    const deps = { kit, store, ensureAnnounced, cache, wakeUps: createWakeUps(kit.notifications) };
    return {
      routes: [
        ...applicationRoutes(deps),
        ...historyRoutes(deps),
        ...bulkRoutes(deps),
        resolvedRoute(deps),
        ...settingRoutes(deps),
        ...flagRoutes(deps),
        ...secretRoutes(deps),
        watchRoute(deps),
      ],
      jobs: {
        announce: ({ application }) =>
          kit.database.transaction((tx) => announce(deps, tx, { application })),
      },
      checks: { settings: () => store.check() },
      close: () => store.close(),
    };
  },
});
