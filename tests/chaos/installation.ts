import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import {
  type ConnectionDispatcher,
  openDispatcher,
} from "#platform/processes/connection-dispatcher.ts";
import type { WorkerPool } from "#platform/processes/worker-pool.ts";
import { type WorkerPlace, workerInput } from "#server/apis/installation.ts";
import { openLogFile } from "#server/apis/log-file.ts";
import { startServiceWorkers } from "#server/apis/service-workers.ts";
import type { WorkerInput } from "#server/apis/worker-input.ts";
import { startStandbyIndexer } from "#server/indexer/start-standby.ts";

import { commandOf, workersOf } from "../harness/processes.ts";
import { type Server, startReplicatedPostgres } from "../harness/replicated-postgres.ts";

/** Two of Accounts and Billing, so that one serves while the other is replaced. */
const WORKERS: Readonly<Record<ServiceName, number>> = {
  accounts: 2,
  billing: 2,
  management: 1,
  logging: 1,
  reporting: 1,
};
const ROOT_KEY = "root-key-of-chaos-tests-0123456789abcdef";

/** All five services as processes, on a primary and its streaming replica. */
export type Installation = AsyncDisposable & {
  urls: Readonly<Record<ServiceName, string>>;
  rootKey: string;
  primary: Server;
  replica: Server;
  workers: Readonly<Record<ServiceName, WorkerPool>>;
  /** The running worker processes of a service. */
  pids(service: ServiceName): number[];
};

export async function startInstallation(): Promise<Installation> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck chaos "));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const { primary, replica } = started.use(await startReplicatedPostgres());
  const dispatchers = new Map<ServiceName, ConnectionDispatcher>();
  for (const service of SERVICE_NAMES) {
    const dispatcher = await openDispatcher({ host: "127.0.0.1", port: 0, ifTaken: "fail" });
    started.defer(() => dispatcher.close());
    dispatchers.set(service, dispatcher);
  }
  const dispatcherOf = (service: ServiceName) => {
    const dispatcher = dispatchers.get(service);
    if (dispatcher === undefined) throw new Error(`there is no dispatcher of ${service}`);
    return dispatcher;
  };
  const urls = each((service) => dispatcherOf(service).url);
  const place = {
    dataFolder: folder,
    host: "127.0.0.1",
    databaseUrl: primary.url,
    rootKey: ROOT_KEY,
    isDemo: false,
    urls,
  };
  const workers = each((service) => {
    const log = openLogFile(folder, service);
    started.defer(() => log.close());
    const running = startServiceWorkers(dispatcherOf(service), {
      service,
      count: WORKERS[service],
      input: inputOf(service, place, replica.url),
      retryStart: false,
      writeLines: log.write,
      notify: () => undefined,
    });
    started.defer(() => running.stop());
    return running;
  });
  const indexer = startStandbyIndexer(folder, {
    writeLines: () => undefined,
    notify: () => undefined,
  });
  started.defer(() => indexer.stop());
  await Promise.all(SERVICE_NAMES.map((service) => workers[service].ready));
  const resources = started.move();
  return {
    urls,
    rootKey: ROOT_KEY,
    primary,
    replica,
    workers,
    pids: (service) => workersOf(process).filter((pid) => commandOf(pid).includes(`"${service}"`)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function inputOf(service: ServiceName, place: WorkerPlace, replicaUrl: string): WorkerInput {
  const { keys, variables } = workerInput(service, place);
  const own = { DATABASE_REPLICA_URLS: replicaUrl, API_REQUESTS_PER_SECOND: "100000" };
  return { keys, variables: { ...variables, ...own } };
}

function each<T>(of: (service: ServiceName) => T): Record<ServiceName, T> {
  return {
    accounts: of("accounts"),
    billing: of("billing"),
    management: of("management"),
    logging: of("logging"),
    reporting: of("reporting"),
  };
}
