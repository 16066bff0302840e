import path from "node:path";

import { serviceToken } from "#api/kit/service-token.ts";
import { defineService, type Kit, type OpenService, type Service } from "#api/kit/service.ts";
import type { CurrentStore } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { type Chain, beginChains, chainHandlers } from "#platform/jobs/periodic-tasks.ts";

import { extractEvents } from "./commands/extract-events.ts";
import { extractRequests } from "./commands/extract-requests.ts";
import { loadFiles, tidyLake } from "./commands/load-files.ts";
import { REPORTS } from "./commands/reports.ts";
import { forgetOldRuns, performRun } from "./commands/runs.ts";
import { performSchedule } from "./commands/schedules.ts";
import type { ReportingDeps } from "./deps.ts";
import type { Source } from "./domain/facts.ts";
import type { RequestLog } from "./domain/request-log.ts";
import { httpFeed } from "./repositories/event-feed.ts";
import { noteError } from "./repositories/extracts-store.ts";
import { LakeDuck } from "./repositories/lake-duck.ts";
import { migrations } from "./repositories/migrations.ts";
import { storeRequestLog } from "./repositories/request-log.ts";
import { extractsRoute } from "./routes/extracts.ts";
import { reportRoutes } from "./routes/reports.ts";
import { runRoutes } from "./routes/runs.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { reportingSettings, type ReportingSettings } from "./settings.ts";
import { openWarehouse } from "./warehouse/open-warehouse.ts";

const EVENTS_EVERY_MS = 30_000;
const REQUESTS_EVERY_MS = 60_000;
const LOAD_EVERY_MS = 10_000;
const TIDY_EVERY_MS = 600_000;

export type ReportingPorts = {
  openStores(options: { dataFolder: string; clock: Clock }): CurrentStore;
};

export const reportingService = (ports: ReportingPorts): Service =>
  defineService({
    name: "reporting",
    title: "Reporting",
    description:
      "Statistics of the business and of its service: a catalogue of reports with parameters, now, ordered or on a timetable, as JSON, CSV or Parquet. Facts come from the events of the other services and from the access log into a lake of Parquet files; reports run on DuckDB over it, or on Amazon Redshift, which copies it.",
    permissions: {
      "reporting:reports:read":
        "read and order reports, read runs and schedules; …/NAME: of one report",
      "reporting:schedules:write": "schedule the reports that one may read",
      "reporting:extracts:read": "see how the extracts from other services are going",
      "reporting:events:read": "read the feed of domain events",
    },
    migrations,
    settings: reportingSettings,
    open: (kit, settings) => open(kit, settings, ports),
  });

async function open(
  kit: Kit,
  settings: ReportingSettings,
  ports: ReportingPorts,
): Promise<OpenService> {
  await using opened = new AsyncDisposableStack();
  const duck = await LakeDuck.open(path.join(settings.dataFolder, "warehouse"));
  opened.defer(() => duck.close());
  const { database, clock, log, jobs } = kit;
  const warehouse = openWarehouse(settings, { ...kit, duck });
  opened.defer(() => warehouse.close());
  const { dataFolder } = settings;
  const requestLog = storeRequestLog(opened.use(ports.openStores({ dataFolder, clock })));
  const deps: ReportingDeps = {
    database,
    clock,
    log,
    jobs,
    duck,
    warehouse,
    publish: kit.publish,
    hashUser: kit.hashUser,
  };
  const chains = chainsOf({ kit, settings, deps, requestLog });
  await beginChains(deps, chains, clock.nowMs());
  const resources = opened.move();
  return {
    routes: [
      ...reportRoutes(deps, REPORTS),
      ...runRoutes(deps),
      ...scheduleRoutes(deps),
      extractsRoute(),
    ],
    jobs: {
      ...chainHandlers(deps, chains),
      run: (job) => performRun(deps, job),
      schedule: (job) => performSchedule(deps, job),
    },
    checks: { warehouse: () => warehouse.ready() },
    close: () => resources.disposeAsync(),
  };
}

type ChainDeps = {
  kit: Kit;
  settings: ReportingSettings;
  deps: ReportingDeps;
  requestLog: RequestLog;
};

function chainsOf({ kit, settings, deps, requestLog }: ChainDeps): Record<string, Chain> {
  const token = serviceToken(kit, "reporting");
  const urls = { billing: settings.billingUrl, accounts: settings.accountsUrl };
  const events = (source: keyof typeof urls): Chain => {
    const feed = httpFeed({ url: urls[source], token });
    return extractChain(deps, source, {
      everyMs: EVENTS_EVERY_MS,
      work: () => extractEvents(deps, { source, feed }),
    });
  };
  return {
    "extract billing": events("billing"),
    "extract accounts": events("accounts"),
    "extract logs": extractChain(deps, "logs", {
      everyMs: REQUESTS_EVERY_MS,
      work: () => extractRequests(deps, requestLog),
    }),
    load: quietChain(deps, { everyMs: LOAD_EVERY_MS, work: () => loadFiles(deps) }),
    tidy: quietChain(deps, {
      everyMs: TIDY_EVERY_MS,
      async work() {
        await tidyLake(deps);
        await forgetOldRuns(deps);
      },
    }),
  };
}

/** What fails is said in the log and done at the next turn: a warehouse that is away makes no pile of jobs. */
function quietChain(
  { log }: ReportingDeps,
  { everyMs, work }: { everyMs: number; work(): Promise<void> },
): Chain {
  return {
    everyMs,
    async work() {
      await work().catch((error: unknown) => log.warn("the lake's upkeep has failed", { error }));
      return "done";
    },
  };
}

/** A source that cannot be read now is asked again at the next turn; until then its error is there to be seen. */
function extractChain(
  { database, clock, log }: ReportingDeps,
  source: Source,
  { everyMs, work }: { everyMs: number; work(): Promise<boolean> },
): Chain {
  return {
    everyMs,
    async work() {
      try {
        return (await work()) ? "again" : "done";
      } catch (error) {
        log.warn("a source cannot be read", { source, error });
        const message = error instanceof AppError ? error.message : String(error);
        await noteError(database, { source, message, nowMs: clock.nowMs() });
        return "done";
      }
    },
  };
}
