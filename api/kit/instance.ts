import { createHmac, hkdfSync } from "node:crypto";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { getRequestListener } from "@hono/node-server";

import type { Clock } from "#platform/clock.ts";
import type { Config } from "#platform/config.ts";
import { AppError } from "#platform/errors.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import type { Log } from "#platform/log.ts";
import { migrate } from "#platform/postgres/migrate.ts";

import { accessLine } from "./access-line.ts";
import { createApp } from "./app.ts";
import type { Caller } from "./caller.ts";
import { type ServiceDatabase, openServiceDatabase } from "./database.ts";
import { forgetAnswers, idempotencyMigration } from "./idempotency.ts";
import { createJobs, jobsMigration, runDueJobs, startJobRunner } from "./jobs.ts";
import { openNotifications } from "./notifications.ts";
import { operationRoutes } from "./operation-routes.ts";
import { eventsRoute, outboxMigration, publishEvent } from "./outbox.ts";
import type { Kit, OpenService, Service } from "./service.ts";
import { type Authenticate, rootKeyAuthenticator } from "./tokens.ts";

export type InstanceOptions = {
  config: Config;
  /** Of the primary. */
  databaseUrl: string;
  /** Everything else follows from it (`Kit.secret`). */
  rootKey: string;
  /** Own URL as others reach it; undefined: what it listens on. */
  publicUrl?: string;
  port: number;
  /** How access tokens are known; Accounts knows its own. */
  authenticate: Authenticate;
  clock: Clock;
  log: Log;
  /** Takes finished log lines: stdout. */
  writeLine(line: string): void;
  /** General limit of each caller. */
  limit?: { burst: number; perSecond: number };
  /** false: jobs run only when `runJobs` is called (tests). */
  jobs?: boolean;
};

/** A service that serves, in this process. */
export type Instance = {
  url: string;
  open: OpenService;
  routes: OpenService["routes"];
  database: ServiceDatabase;
  /** Does all jobs that are due. */
  runJobs(): Promise<void>;
  /** Stops accepting, finishes what is in flight, ends streams, closes keep-alives. */
  stop(): Promise<void>;
};

const LIMIT = { burst: 400, perSecond: 200 };
const LIMIT_KEYS_MAX = 50_000;
const DRAIN_MS_MAX = 10_000;
const FORGET_MS = 600_000;

/** Brings the service's schema up to date; of several processes one does it and the others wait. */
export async function migrateService(service: Service, database: ServiceDatabase): Promise<void> {
  await database.query(`CREATE SCHEMA IF NOT EXISTS ${service.name}`).catch((error: unknown) => {
    // Two that start at the same moment may both find it missing: then it is there now.
    if (!(error instanceof Error && "code" in error && error.code === "23505")) throw error;
  });
  const kit = [idempotencyMigration, outboxMigration, jobsMigration];
  await migrate(database, [{ room: service.name, migrations: [...kit, ...service.migrations] }]);
}

/** @throws AppError when the database or the port cannot be had */
export async function startInstance(service: Service, options: InstanceOptions): Promise<Instance> {
  await using started = new AsyncDisposableStack();
  const { config, clock } = options;
  const base = { "service.name": service.name, "service.version": config.api.release };
  const log = options.log.child({ ...base, "event.dataset": `${service.name}.log` });
  const from = { schema: service.name, log, url: options.databaseUrl };
  const database = openServiceDatabase({ ...from, replicaUrls: config.api.replicaUrls });
  started.defer(() => database.close());
  await migrateService(service, database);
  const notifications = openNotifications(from);
  started.defer(() => notifications.close());
  const server = createServer({ keepAliveTimeout: 5_000 });
  const address = `http://${config.host}:${await listenOn(server, config.host, options.port)}`;
  const url = options.publicUrl ?? address;
  const kit = kitOf(service, { ...options, url, log, database, notifications });
  const open = await service.open(kit);
  started.defer(() => open.close?.());
  const jobDeps = { database, handlers: open.jobs ?? {}, clock, log };
  if (options.jobs !== false) started.use(startJobs({ ...jobDeps, notifications }));
  const { routes, stopping } = serve(server, { service, open, options, kit });
  started.defer(() => drain(server, stopping));
  const resources = started.move();
  return {
    url: address,
    open,
    routes,
    database,
    async runJobs() {
      while ((await runDueJobs(jobDeps)) > 0);
    },
    stop: () => resources.disposeAsync(),
  };
}

type Serving = { service: Service; open: OpenService; options: InstanceOptions; kit: Kit };

/** The service's own routes and those that every service has, on the server. */
function serve(server: Server, { service, open, options, kit }: Serving) {
  const { config, clock } = options;
  const { database, log } = kit;
  const stopping = new AbortController();
  const routes = [
    ...open.routes,
    eventsRoute(service.name),
    ...operationRoutes({ service, open, database, stopping: stopping.signal }),
  ];
  const app = createApp(routes, {
    clock,
    log,
    database,
    headers: { "x-release": config.api.release },
    limit: limitOf(options),
    callerOf: callerBy([
      rootKeyAuthenticator(options.rootKey),
      open.authenticate ?? options.authenticate,
    ]),
    addressOf: (incoming) => incoming.socket.remoteAddress ?? "unknown",
    said: accessLine({ ...options, service, hashUser: kit.hashUser }),
    stopping: stopping.signal,
  });
  const listener = getRequestListener(app.fetch);
  server.on("request", (request, response) => void listener(request, response));
  return { routes, stopping };
}

function startJobs(deps: Parameters<typeof startJobRunner>[0]): AsyncDisposable {
  const runner = startJobRunner(deps);
  const forget = (): Promise<void> =>
    forgetAnswers(deps.database, deps.clock.nowMs()).catch(() => undefined);
  const timer = setInterval(() => void forget(), FORGET_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await runner.stop();
    },
  };
}

type KitDeps = InstanceOptions & Pick<Kit, "url" | "log" | "database" | "notifications">;

function kitOf(service: Service, deps: KitDeps): Kit {
  const secret = (purpose: string): Buffer =>
    Buffer.from(hkdfSync("sha256", deps.rootKey, "", `quarterdeck ${purpose}`, 32));
  const userKey = secret("user hash");
  return {
    ...deps,
    jobs: createJobs(service.name, deps.clock),
    emit: (fields) =>
      deps.writeLine(
        `${JSON.stringify({
          "@timestamp": new Date(deps.clock.nowMs()).toISOString(),
          "ecs.version": "8.11.0",
          "event.dataset": `${service.name}.log`,
          "service.name": service.name,
          "service.version": deps.config.api.release,
          ...fields,
        })}\n`,
      ),
    hashUser: (id) => createHmac("sha256", userKey).update(id).digest("hex").slice(0, 32),
    secret,
    publish: (tx, event) => publishEvent(tx, service.name, event),
  };
}

/** The first that knows the token wins. @throws AppError unauthenticated for a token that nobody knows */
function callerBy(
  authenticators: readonly Authenticate[],
): (authorization: string | undefined, address: string) => Promise<Caller> {
  return async (authorization, address) => {
    if (authorization === undefined) {
      return { kind: "anonymous", id: "", sessionId: "", permissions: new Set(), address };
    }
    const token = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization)?.[1];
    for (const authenticate of token === undefined ? [] : authenticators) {
      const known = await authenticate(token ?? "");
      if (known !== undefined) return { ...known, address };
    }
    throw new AppError(
      "unauthenticated",
      "This token is not known, or has expired: sign in again.",
    );
  };
}

function limitOf({ limit = LIMIT, clock }: InstanceOptions): ReturnType<typeof createRateLimit> {
  return createRateLimit(
    { burst: limit.burst, refillMs: 1_000 / limit.perSecond, keysMax: LIMIT_KEYS_MAX },
    clock,
  );
}

async function listenOn(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new AppError("unavailable", `Port ${port} of ${host} cannot be used: ${error.message}.`, {
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return (server.address() as AddressInfo).port;
}

async function drain(server: Server, stopping: AbortController): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  stopping.abort();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX);
  await closed;
  clearTimeout(late);
}
