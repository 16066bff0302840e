import { createHmac } from "node:crypto";

import type { Clock } from "#platform/clock.ts";
import { openNotifications } from "#platform/events/notifications.ts";
import { eventsRoute, outboxMigration, publishEvent } from "#platform/events/outbox.ts";
import { accessLine } from "#platform/http/access-line.ts";
import { bearerAccess } from "#platform/http/bearer-auth.ts";
import { clientAddressBy } from "#platform/http/client-address.ts";
import { type EcsBase, ecsBase } from "#platform/http/ecs-base.ts";
import { deleteExpiredResponses, idempotencyMigration } from "#platform/http/idempotency.ts";
import { createListener } from "#platform/http/listener.ts";
import { rejectMalformedRequests } from "#platform/http/malformed-request.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { type ApiServer, openServer } from "#platform/http/server.ts";
import type { Authenticate } from "#platform/http/tokens.ts";
import type { JobDefinition } from "#platform/jobs/define-job.ts";
import { jobRoutes } from "#platform/jobs/job-routes.ts";
import { runDueJobs, startJobRunner } from "#platform/jobs/job-runner.ts";
import { createJobs, jobsMigrations } from "#platform/jobs/jobs.ts";
import {
  periodicHandlers,
  periodicJobs,
  startPeriodicTasks,
} from "#platform/jobs/periodic-tasks.ts";
import type { Log } from "#platform/log.ts";
import { openMetrics } from "#platform/metrics/metrics.ts";
import { bearerScheme } from "#platform/openapi/bearer-scheme.ts";
import { documentRoutes } from "#platform/openapi/document-routes.ts";
import { checkServer } from "#platform/postgres/check-server.ts";
import { createLastWrites } from "#platform/postgres/last-writes.ts";
import { migrate } from "#platform/postgres/migrate.ts";
import { type ServiceDatabase, openServiceDatabase } from "#platform/postgres/service-database.ts";
import type { Supervisor } from "#platform/processes/supervisor.ts";

import { type ServiceKeys, derivedKey, tokenCheck, USER_HASH } from "./keys.ts";
import { operationRoutes } from "./operation-routes.ts";
import { serviceTokenAuthenticator } from "./service-token.ts";
import type { AnyKit, Kit, OpenService, Service } from "./service.ts";
import type { KitSettings } from "./settings.ts";

export type InstanceOptions = {
  settings: Pick<
    KitSettings,
    "host" | "replicaUrls" | "requestsPerSecond" | "trustedProxies" | "release"
  >;
  /** Values of the service's own settings. */
  serviceSettings: Readonly<Record<string, unknown>>;
  /** URL of the primary. */
  databaseUrl: string;
  keys: ServiceKeys;
  /** Public URL. Default: the address on which it listens. */
  publicUrl?: string;
  /** Port to listen on. */
  port?: number;
  /** The process that accepts connections and dispatches them to this one. */
  supervisor?: Supervisor;
  /** ECS `service.node.name`. */
  node?: string;
  /** Authenticates access tokens; Accounts uses its own. */
  authenticate: Authenticate;
  clock: Clock;
  /** A log whose lines carry service and release. */
  log: Log;
  /** Writes finished log lines: stdout. */
  writeLine(line: string): void;
  /** Rate limit of each caller instead of the configured one; each worker counts on its own. */
  limit?: { burst: number; perSecond: number };
  /** false: jobs run only by `runJobs` (tests). */
  jobs?: boolean;
};

/** A running service in this process. */
export type Instance = {
  url: string;
  open: OpenService;
  routes: OpenService["routes"];
  database: ServiceDatabase;
  /** Runs all jobs that are due. */
  runJobs(): Promise<void>;
  /** Stops accepting connections, finishes requests in flight, ends streams, closes keep-alive connections. */
  stop(): Promise<void>;
};

const LIMIT_KEYS_MAX = 50_000;
const FORGET_MS = 600_000;

/** Migrates the service's schema; concurrent processes wait for the first. */
export async function migrateService(service: Service, database: ServiceDatabase): Promise<void> {
  await database.query(`CREATE SCHEMA IF NOT EXISTS ${service.name}`).catch((error: unknown) => {
    // Another process created it at the same time.
    if (!(error instanceof Error && "code" in error && error.code === "23505")) throw error;
  });
  const kit = [idempotencyMigration, outboxMigration, ...jobsMigrations];
  await migrate(database, [{ module: service.name, migrations: [...kit, ...service.migrations] }]);
}

/** @throws AppError when the database cannot be reached or the port is taken */
export async function startInstance(service: Service, options: InstanceOptions): Promise<Instance> {
  await using started = new AsyncDisposableStack();
  const { settings, clock, log, supervisor } = options;
  const from = { schema: service.name, log, url: options.databaseUrl };
  const database = openServiceDatabase({ ...from, replicaUrls: settings.replicaUrls });
  started.defer(() => database.close());
  await checkServer(database);
  await migrateService(service, database);
  const notifications = openNotifications(from);
  started.defer(() => notifications.close());
  const http = await openServer({ host: settings.host, port: options.port, supervisor });
  started.defer(() => void http.server.close());
  const url = options.publicUrl ?? http.url;
  const { release } = settings;
  const base = ecsBase({ service: service.name, release, node: options.node ?? "1", clock });
  const kit = kitOf(service, { ...options, url, database, notifications, base });
  const open = await service.open(kit, options.serviceSettings);
  started.defer(() => open.close?.());
  const { tasks = [] } = open;
  await startPeriodicTasks(kit, tasks, clock.nowMs());
  const definitions = [...service.jobs, ...periodicJobs(tasks)];
  const handlers = { ...open.jobs, ...periodicHandlers(kit, tasks) };
  const jobDeps = { database, definitions, handlers, clock, log };
  if (options.jobs !== false) started.use(startJobs({ ...jobDeps, notifications }));
  const { routes, stopping } = serve(http, { service, open, definitions, options, kit, base });
  started.defer(async () => {
    stopping.abort();
    await http.drain();
  });
  const resources = started.move();
  return {
    url: http.url,
    open,
    routes,
    database,
    async runJobs() {
      while ((await runDueJobs(jobDeps)) > 0);
    },
    stop: () => resources.disposeAsync(),
  };
}

type Serving = {
  service: Service;
  open: OpenService;
  /** The service's jobs, including the jobs of its periodic tasks. */
  definitions: readonly JobDefinition[];
  options: InstanceOptions;
  kit: Kit;
  base: EcsBase;
};

/** Serves the service's own routes and those of every service. */
function serve({ server }: ApiServer, serving: Serving) {
  const { service, open, definitions, options, kit, base } = serving;
  const { settings, clock, supervisor } = options;
  const { database, log } = kit;
  const stopping = new AbortController();
  const metrics = openMetrics(database);
  supervisor?.onMetrics(metrics.own);
  const allMetrics = async () => supervisor?.allMetrics() ?? [await metrics.own()];
  const served = [
    ...open.routes,
    eventsRoute(service.name, service.events),
    ...jobRoutes({ ...kit, service: service.name, definitions }),
    ...operationRoutes({ service, open, database, allMetrics }),
  ];
  const at = { url: kit.url, release: settings.release };
  const { title, description } = service;
  const api = { title, description, security: bearerScheme };
  const routes = [...served, ...documentRoutes(api, served, at)];
  const headers = { "x-release": settings.release };
  const listener = createListener(routes, {
    clock,
    log,
    database,
    lastWrites: createLastWrites(),
    headers,
    limit: limitOf(options),
    access: bearerAccess(
      tokenCheck(options.keys.rootKey),
      serviceTokenAuthenticator(
        options.keys.serviceTokens,
        open.authenticate ?? options.authenticate,
      ),
    ),
    writeAccessLine: accessLine({
      base,
      dataset: `${service.name}.access`,
      hashUser: kit.hashUser,
      writeLine: options.writeLine,
    }),
    meter: metrics.meter,
    addressOf: clientAddressBy(settings.trustedProxies),
    stopping: stopping.signal,
  });
  server.on("request", listener);
  rejectMalformedRequests(server, { headers, log });
  return { routes, stopping };
}

function startJobs(deps: Parameters<typeof startJobRunner>[0]): AsyncDisposable {
  const runner = startJobRunner(deps);
  const forget = (): Promise<void> =>
    deleteExpiredResponses(deps.database, deps.clock.nowMs()).catch(() => undefined);
  const timer = setInterval(() => void forget(), FORGET_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await runner.stop();
    },
  };
}

type KitDeps = InstanceOptions &
  Pick<Kit, "url" | "database" | "notifications"> & { base: EcsBase };

function kitOf(service: Service, deps: KitDeps): AnyKit {
  const secret = (purpose: string): Buffer => derivedKey(deps.keys, purpose);
  const userKey = secret(USER_HASH);
  const { base } = deps;
  return {
    ...deps,
    jobs: createJobs(service.name, deps.clock),
    emit(fields) {
      const line = {
        "@timestamp": base.time(),
        "ecs.version": "8.11.0",
        "event.dataset": `${service.name}.log`,
        ...base.members,
        ...fields,
      };
      deps.writeLine(`${JSON.stringify(line)}\n`);
    },
    hashUser: (id) => createHmac("sha256", userKey).update(id).digest("hex").slice(0, 32),
    secret,
    publish: (tx, event) => publishEvent(tx, service.name, event),
  };
}

function limitOf({ settings, limit, clock }: InstanceOptions): ReturnType<typeof createRateLimit> {
  const perSecond = limit?.perSecond ?? settings.requestsPerSecond;
  const burst = limit?.burst ?? 2 * perSecond;
  return createRateLimit({ burst, refillMs: 1_000 / perSecond, keysMax: LIMIT_KEYS_MAX }, clock);
}
