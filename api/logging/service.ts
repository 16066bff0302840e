import { defineService, type Service } from "#api/kit/service.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import type { CurrentStore, StoreMaintenance } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { bindHandlers } from "#platform/jobs/define-job.ts";

import { DatasetRoom } from "./commands/dataset-room.ts";
import { applyRulesTo } from "./commands/set-retention.ts";
import { createTailHub } from "./commands/tail-hub.ts";
import { createNormaliser } from "./domain/normalise.ts";
import { loggingEvents } from "./events.ts";
import * as jobHandlers from "./job-handlers.ts";
import { loggingJobs } from "./jobs.ts";
import { migrations } from "./repositories/migrations.ts";
import { countRoutes } from "./routes/count.ts";
import { datasetRoutes } from "./routes/datasets.ts";
import { otlpRoute } from "./routes/otlp.ts";
import { pushRoutes } from "./routes/push.ts";
import { searchRoutes } from "./routes/search.ts";
import { tailRoute } from "./routes/tail.ts";
import { loggingSettings, type LoggingSettings } from "./settings.ts";

export type LoggingPorts = {
  openBus(settings: LoggingSettings): BusProducer & AsyncDisposable;
  openStores(
    options: LoggingSettings & {
      clock: Clock;
      onOpen(store: StoreMaintenance): Promise<void>;
    },
  ): CurrentStore;
};

export const loggingService = (ports: LoggingPorts): Service =>
  defineService({
    name: "logging",
    title: "Logging",
    description:
      "Accepts logs from any part of an application (single events, batches, OpenTelemetry) and offers search, facets, counts over time and live tail. Retention is set per dataset. A permission may have a scope, the datasets whose names match a pattern: `logging:logs:read/shop.*`.",
    migrations,
    settings: loggingSettings,
    jobs: loggingJobs,
    events: loggingEvents,
    async open(kit, settings) {
      const { clock, log } = kit;
      await using opened = new AsyncDisposableStack();
      const bus = opened.use(ports.openBus(settings));
      const stores = opened.use(
        ports.openStores({
          ...settings,
          clock,
          // The next change applies the rules too, so an unreachable database must not prevent reads.
          onOpen: (store) =>
            applyRulesTo(kit, store).catch((error: unknown) =>
              log.warn("the retention of datasets could not be applied to the store", { error }),
            ),
        }),
      );
      const tails = opened.use(createTailHub({ stores, log }));
      const deps = {
        kit,
        bus,
        stores,
        tails,
        normalise: createNormaliser(),
        datasets: new DatasetRoom(stores),
      };
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
        jobs: bindHandlers(jobHandlers, deps),
        checks: {
          bus: () => bus.check(),
          store: async () => void (await (await stores.get()).extents()),
        },
        close: () => resources.disposeAsync(),
      };
    },
  });
