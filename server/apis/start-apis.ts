import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { apiPortSettings } from "#api/kit/settings.ts";
import {
  type ConnectionDispatcher,
  openDispatcher,
} from "#platform/processes/connection-dispatcher.ts";
import type { SettingsOf } from "#platform/settings/settings.ts";

import type { ApiHostSettings } from "../settings.ts";
import { openInstallation, workerInput } from "./installation.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { startServiceWorkers } from "./service-workers.ts";

/** The domain APIs that run beside the control plane. */
export type Apis = {
  urls: Readonly<Partial<Record<ServiceName, string>>>;
  /** A bearer token with all permissions in the domain APIs. */
  rootKey: string;
  /** One ECS document (JSON) per line. */
  logFiles: Readonly<Partial<Record<ServiceName, string>>>;
  /** Resolves when all domain APIs serve requests; a service that cannot start is retried. */
  ready: Promise<void>;
  /** The domain APIs without a running worker, because it failed. */
  down(): ServiceName[];
  stop(): Promise<void>;
};

export type ApisSettings = {
  apis: ApiHostSettings;
  apiPorts: SettingsOf<typeof apiPortSettings>;
};

type Opened = { service: ServiceName; dispatcher: ConnectionDispatcher; log: LogFile };

/**
 * Starts every domain API with one worker process each. All ports are open when it resolves: requests are answered
 * with 503 until their service is ready.
 * @throws AppError when a port or the database cannot be used
 */
export async function startApis(
  { apis: settings, apiPorts }: ApisSettings,
  notify: (line: string) => void,
): Promise<Apis> {
  await using started = new AsyncDisposableStack();
  const installation = await openInstallation(settings);
  started.defer(() => installation.close());
  const opened: Opened[] = [];
  for (const service of SERVICE_NAMES) {
    const port = apiPorts[service];
    const dispatcher = await openDispatcher({ host: settings.host, port, ifTaken: "next" });
    started.defer(() => dispatcher.close());
    const log = openLogFile(settings.dataFolder, service);
    started.defer(() => log.close());
    opened.push({ service, dispatcher, log });
  }
  const urls = Object.fromEntries(
    opened.map(({ service, dispatcher }) => [service, dispatcher.url]),
  );
  const place = { ...settings, ...installation, urls };
  const running = opened.map(({ service, dispatcher, log }) => {
    const input = workerInput(service, place);
    const options = { service, count: 1, input, retryStart: true, writeLines: log.write, notify };
    return { service, pool: startServiceWorkers(dispatcher, options) };
  });
  started.defer(async () => {
    await Promise.all(running.map(({ pool }) => pool.stop()));
  });
  const resources = started.move();
  return {
    urls,
    rootKey: installation.rootKey,
    logFiles: Object.fromEntries(opened.map(({ service, log }) => [service, log.file])),
    ready: Promise.all(running.map(({ pool }) => pool.ready)).then(() => undefined),
    down: () => running.filter(({ pool }) => pool.isDown()).map(({ service }) => service),
    stop: () => resources.disposeAsync(),
  };
}
