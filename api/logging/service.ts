import { defineService } from "#api/kit/service.ts";
import { busUrlOf, openBus } from "#pipeline/bus/open-bus.ts";
import { startOwnIngest } from "#pipeline/bus/own-ingest.ts";
import { openCurrentStore } from "#pipeline/open-current-store.ts";

import { APPLY, applyRules, applyRulesTo } from "./commands/keep-for.ts";
import { createTailHub } from "./commands/tail-hub.ts";
import { createNormaliser } from "./domain/normalise.ts";
import { migrations } from "./repositories/migrations.ts";
import { countRoutes } from "./routes/count.ts";
import { datasetRoutes } from "./routes/datasets.ts";
import { otlpRoute } from "./routes/otlp.ts";
import { pushRoutes } from "./routes/push.ts";
import { searchRoutes } from "./routes/search.ts";
import { tailRoute } from "./routes/tail.ts";
import { loggingSettings } from "./settings.ts";

export const logging = defineService({
  name: "logging",
  title: "Logging",
  description:
    "Takes logs from any part of an application (one, a batch, OpenTelemetry) and answers search, facets, counts over time and live tail. Who may write and read is said for each dataset; so is for how long it is kept.",
  permissions: {
    "logging:logs:write":
      "push logs; …/PATTERN: into the datasets whose names match, such as …/shop.*",
    "logging:logs:read": "read logs; …/PATTERN: of the datasets whose names match",
    "logging:retention:write":
      "say for how long datasets are kept; …/PATTERN: those whose names match",
    "logging:events:read": "read the feed of domain events",
  },
  migrations,
  settings: loggingSettings,
  async open(kit, settings) {
    const { dataFolder } = settings;
    const { clock, log } = kit;
    await using opened = new AsyncDisposableStack();
    const bus = opened.use(openBus({ url: busUrlOf(dataFolder) }));
    const stores = opened.use(
      openCurrentStore({
        dataFolder,
        clock,
        // A change carries the rules too, so a database that is away for now is no reason to answer nothing.
        onOpen: (store) =>
          applyRulesTo(kit, store).catch((error: unknown) =>
            log.warn("the retention of datasets was not carried to the store", { error }),
          ),
      }),
    );
    const tails = opened.use(createTailHub({ stores, log }));
    opened.use(startOwnIngest({ config: settings, log }));
    const deps = { kit, bus, stores, tails, normalise: createNormaliser() };
    const resources = opened.move();
    return {
      routes: [
        ...pushRoutes(deps),
        otlpRoute(deps),
        ...searchRoutes(deps),
        ...countRoutes(deps),
        tailRoute(deps),
        ...datasetRoutes(deps),
      ],
      jobs: { [APPLY]: () => applyRules(deps) },
      checks: {
        bus: () => bus.check(),
        store: async () => void (await (await stores.get()).extents()),
      },
      close: () => resources.disposeAsync(),
    };
  },
});
