import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { apiPortSettings } from "#api/kit/settings.ts";
import {
  type ConnectionDispatcher,
  openDispatcher,
} from "#platform/processes/connection-dispatcher.ts";
import type { WorkerPool } from "#platform/processes/worker-pool.ts";
import type { SettingsOf } from "#platform/settings/settings.ts";

import type { ApiHostSettings } from "../settings.ts";
import { openInstallation, workerInput } from "./installation.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { type ApisPlace, deleteDemoDatabase, openDemoPlace } from "./place.ts";
import { startServiceWorkers } from "./service-workers.ts";
import type { WorkerInput } from "./worker-input.ts";

/** The domain APIs that run beside the control plane. */
export type Apis = {
  urls: Readonly<Partial<Record<ServiceName, string>>>;
  /** A bearer token with all permissions in the domain APIs. */
  rootKey: string;
  /** Resolves when all domain APIs serve requests; a service that cannot start is retried. */
  ready: Promise<void>;
  /** The domain APIs without a running worker, because it failed. */
  down(): ServiceName[];
  /** Continues with the data of the real product, and deletes those of the demo. Without the demo it does nothing. */
  leaveDemo(): Promise<void>;
  stop(): Promise<void>;
};

export type ApisSettings = {
  apis: ApiHostSettings;
  apiPorts: SettingsOf<typeof apiPortSettings>;
};

type Opened = { service: ServiceName; dispatcher: ConnectionDispatcher; log: LogFile };
type Running = { service: ServiceName; pool: WorkerPool };

/**
 * Starts every domain API with one worker process each, for the demo in a place of its own. All ports are open when it
 * resolves: requests are answered with 503 until their service is ready.
 * @throws AppError when a port or the database cannot be used
 */
export async function startApis(
  settings: ApisSettings,
  notify: (line: string) => void,
  { isDemo }: { isDemo: boolean } = { isDemo: false },
): Promise<Apis> {
  await using started = new AsyncDisposableStack();
  const installation = await openInstallation(settings.apis);
  started.defer(() => installation.close());
  const real: ApisPlace = { ...settings.apis, ...installation, isDemo: false };
  const first = isDemo ? await openDemoPlace(real) : real;
  const opened = await openPorts(settings, first, started);
  const urls = Object.fromEntries(
    opened.map(({ service, dispatcher }) => [service, dispatcher.url]),
  );
  const inputIn = (place: ApisPlace, service: ServiceName): WorkerInput =>
    workerInput(service, { ...settings.apis, ...installation, ...place, urls });
  const running = opened.map((it): Running => {
    const { service, dispatcher } = it;
    const input = inputIn(first, service);
    const writeLines = (lines: string): void => it.log.write(lines);
    const options = { service, count: 1, input, retryStart: true, writeLines, notify };
    return { service, pool: startServiceWorkers(dispatcher, options) };
  });
  started.defer(async () => {
    await Promise.all(running.map(({ pool }) => pool.stop()));
  });
  let leaving: Promise<void> | undefined;
  async function leave(): Promise<void> {
    // One after the other, as both workers of a service run for a moment.
    for (const { service, pool } of running) await pool.restart(inputIn(real, service));
    for (const it of opened) {
      it.log.close();
      it.log = openLogFile(real.dataFolder, it.service);
    }
    await deleteDemoDatabase(real);
  }
  const resources = started.move();
  return {
    urls,
    rootKey: installation.rootKey,
    ready: Promise.all(running.map(({ pool }) => pool.ready)).then(() => undefined),
    down: () => running.filter(({ pool }) => pool.isDown()).map(({ service }) => service),
    leaveDemo: async () => {
      if (isDemo) await (leaving ??= leave());
    },
    stop: () => resources.disposeAsync(),
  };
}

/** Opens the port and the log of each service. */
async function openPorts(
  { apis, apiPorts }: ApisSettings,
  { dataFolder }: ApisPlace,
  started: AsyncDisposableStack,
): Promise<Opened[]> {
  const opened: Opened[] = [];
  for (const service of SERVICE_NAMES) {
    const port = apiPorts[service];
    const dispatcher = await openDispatcher({ host: apis.host, port, ifTaken: "next" });
    started.defer(() => dispatcher.close());
    const it = { service, dispatcher, log: openLogFile(dataFolder, service) };
    started.defer(() => it.log.close());
    opened.push(it);
  }
  return opened;
}
