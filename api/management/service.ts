import { defineService } from "#api/kit/service.ts";
import { bindHandlers } from "#platform/jobs/define-job.ts";

import { openStore } from "./commands/open-store.ts";
import { createStateCache } from "./commands/state-cache.ts";
import { createWakeUps } from "./commands/watch.ts";
import { managementEvents } from "./events.ts";
import * as jobHandlers from "./job-handlers.ts";
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
import { STORED_SECRETS } from "./secrets.ts";
import { managementSettings } from "./settings.ts";

export const management = defineService({
  name: "management",
  title: "Management",
  description:
    "Settings and feature flags of every application: typed, scoped, versioned with who, when and why, with a stream of changes. Secrets are stored by name and never returned: settings refer to them, and they are delivered at deploy time. A permission for settings or flags may have a scope, an application or a prefix of names: `management:settings:read/shop` or `management:settings:read/shop-*`.",
  migrations,
  settings: managementSettings,
  secrets: [STORED_SECRETS],
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
      jobs: bindHandlers(jobHandlers, deps),
      checks: { settings: () => store.check() },
      close: () => store.close(),
    };
  },
});
