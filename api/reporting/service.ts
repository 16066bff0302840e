import path from "node:path";

import { serviceTokenOf } from "#api/kit/keys.ts";
import { serviceToken } from "#api/kit/service-token.ts";
import { defineService, type OpenService, type Service } from "#api/kit/service.ts";
import type { CurrentStore } from "#pipeline/store/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { type JobHandlers, bindHandlers } from "#platform/jobs/define-job.ts";
import type { PeriodicTask } from "#platform/jobs/periodic-tasks.ts";

import { extractEvents } from "./commands/extract-events.ts";
import { extractRequests } from "./commands/extract-requests.ts";
import { loadFiles, compactLake } from "./commands/load-files.ts";
import { REPORTS } from "./commands/reports.ts";
import { deleteOldRuns } from "./commands/runs.ts";
import type { ReportingDeps } from "./deps.ts";
import type { Source } from "./domain/facts.ts";
import type { RequestLog } from "./domain/request-log.ts";
import { reportingEvents } from "./events.ts";
import * as jobHandlers from "./job-handlers.ts";
import { type ReportingJob, reportingJobs } from "./jobs.ts";
import type { ReportingKit } from "./kit.ts";
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

export type ReportingPorts = {
  openStores(options: ReportingSettings & { clock: Clock }): CurrentStore;
};

export const reportingService = (ports: ReportingPorts): Service =>
  defineService({
    name: "reporting",
    title: "Reporting",
    description:
      "Business and service statistics: a catalogue of parameterized reports, computed on request, in the background or on a schedule, as JSON, CSV or Parquet. Facts from the events of other services and the access log are stored in a lake of Parquet files. Reports run on DuckDB over these files, or on Amazon Redshift, which loads them. `reporting:reports:read` may have a scope, a report: `reporting:reports:read/revenue`.",
    migrations,
    settings: reportingSettings,
    secrets: [serviceTokenOf("reporting")],
    jobs: reportingJobs,
    events: reportingEvents,
    open: (kit, settings) => open(kit, settings, ports),
  });

async function open(
  kit: ReportingKit,
  settings: ReportingSettings,
  ports: ReportingPorts,
): Promise<OpenService<JobHandlers<ReportingJob>>> {
  await using opened = new AsyncDisposableStack();
  const duck = await LakeDuck.open(path.join(settings.dataFolder, "warehouse"));
  opened.defer(() => duck.close());
  const { database, clock, log, jobs } = kit;
  const warehouse = openWarehouse(settings, { ...kit, duck });
  opened.defer(() => warehouse.close());
  const requestLog = storeRequestLog(opened.use(ports.openStores({ ...settings, clock })));
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
  const resources = opened.move();
  return {
    routes: [
      ...reportRoutes(deps, REPORTS),
      ...runRoutes(deps),
      ...scheduleRoutes(deps),
      extractsRoute(),
    ],
    jobs: bindHandlers(jobHandlers, deps),
    tasks: tasksOf({ kit, settings, deps, requestLog }),
    checks: { warehouse: () => warehouse.ready() },
    close: () => resources.disposeAsync(),
  };
}

type TaskDeps = {
  kit: ReportingKit;
  settings: ReportingSettings;
  deps: ReportingDeps;
  requestLog: RequestLog;
};

function tasksOf({ kit, settings, deps, requestLog }: TaskDeps): PeriodicTask[] {
  const token = serviceToken(kit, "reporting");
  const billing = httpFeed({ url: settings.billingUrl, token });
  const accounts = httpFeed({ url: settings.accountsUrl, token });
  return [
    extraction(deps, "billing", {
      everyMs: 30_000,
      extract: () => extractEvents(deps, { source: "billing", feed: billing }),
    }),
    extraction(deps, "accounts", {
      everyMs: 30_000,
      extract: () => extractEvents(deps, { source: "accounts", feed: accounts }),
    }),
    extraction(deps, "logs", {
      everyMs: 60_000,
      extract: () => extractRequests(deps, requestLog),
    }),
    { kind: "load", everyMs: 10_000, work: () => maintain(deps, () => loadFiles(deps)) },
    {
      kind: "tidy",
      everyMs: 600_000,
      work: () =>
        maintain(deps, async () => {
          await compactLake(deps);
          await deleteOldRuns(deps);
        }),
    },
  ];
}

/** Failures are logged and retried by the next run: an unavailable warehouse must not count as a failed job. */
async function maintain({ log }: ReportingDeps, work: () => Promise<void>): Promise<"done"> {
  await work().catch((error: unknown) => log.warn("maintenance of the lake failed", { error }));
  return "done";
}

type Extraction = { everyMs: number; extract(): Promise<boolean> };

/** A source that cannot be read is tried again in the next run; until then its error is shown with the extract. */
const extraction = (
  { database, clock, log }: ReportingDeps,
  source: Source,
  { everyMs, extract }: Extraction,
): PeriodicTask => ({
  kind: `extract ${source}`,
  everyMs,
  async work() {
    try {
      return (await extract()) ? "again" : "done";
    } catch (error) {
      log.warn("a source cannot be read", { source, error });
      const message = error instanceof AppError ? error.message : String(error);
      await noteError(database, { source, message, nowMs: clock.nowMs() });
      return "done";
    }
  },
});
