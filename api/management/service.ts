import type { Kit, Service } from "#api/kit/service.ts";

import { applicationRoutes } from "./routes/applications.ts";
import { flagRoutes } from "./routes/flags.ts";
import { resolvedRoute } from "./routes/resolved.ts";
import { settingRoutes } from "./routes/settings.ts";
import { migrations } from "./schema/migrations.ts";
import { postgresStore } from "./schema/postgres-store.ts";
import { createStateCache } from "./verbs/state-cache.ts";
import { createWakeUps } from "./verbs/watch.ts";

export const management: Service = {
  name: "management",
  title: "Management",
  description:
    "Every setting and feature flag of every application: typed, scoped, versioned with who, when and why, and watched for changes. Secrets are kept by name and never shown again: settings refer to them, and they are delivered at deploy time, by no route.",
  permissions: {
    "management:settings:read":
      "read applications, settings, their history and changes; …/NAME: of one application, …/NAME* of those whose names begin so",
    "management:settings:write": "change applications and settings, import and roll back",
    "management:flags:read": "read and evaluate feature flags",
    "management:flags:write": "change feature flags",
    "management:secrets:read": "see which secrets there are, never what they are",
    "management:secrets:write": "put, rotate and delete secrets",
    "management:events:read": "read the feed of domain events",
  },
  migrations,
  open(kit: Kit) {
    const store = postgresStore(kit.database);
    const cache = createStateCache({ kit, store });
    const deps = {
      kit,
      store,
      cache,
      wakeUps: createWakeUps(kit.notifications),
      intend: () => Promise.resolve(),
    };
    return Promise.resolve({
      routes: [
        ...applicationRoutes(deps),
        resolvedRoute(deps),
        ...settingRoutes(deps),
        ...flagRoutes(deps),
      ],
      checks: { settings: () => store.check() },
      close: () => store.close(),
    });
  },
};
