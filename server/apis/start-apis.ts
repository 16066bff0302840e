import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { apiPortSettings } from "#api/kit/settings.ts";
import type { SettingsOf } from "#platform/settings/settings.ts";

import type { ApiHostSettings } from "../settings.ts";
import { type Door, openDoor } from "./door.ts";
import { openInstallation, workerEnvironment } from "./installation.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { startWorkers } from "./workers.ts";

/** The domain APIs that run beside the control plane. */
export type Apis = {
  urls: Readonly<Partial<Record<ServiceName, string>>>;
  /** Key that may do everything in them. */
  rootKey: string;
  /** ECS, one JSON document a line. */
  logFiles: Readonly<Partial<Record<ServiceName, string>>>;
  /** Resolves when all of them serve; one that cannot start yet is tried again and again. */
  ready: Promise<void>;
  stop(): Promise<void>;
};

export type ApisSettings = {
  apis: ApiHostSettings;
  apiPorts: SettingsOf<typeof apiPortSettings>;
};

type Opened = { service: ServiceName; door: Door; log: LogFile };

/**
 * Starts every domain API with one worker process each. All ports are open when it resolves: connections wait until
 * their service is up.
 * @throws AppError when a port or the database cannot be had
 */
export async function startApis(
  { apis: settings, apiPorts }: ApisSettings,
  say: (line: string) => void,
): Promise<Apis> {
  await using started = new AsyncDisposableStack();
  const installation = await openInstallation(settings);
  started.defer(() => installation.close());
  const opened: Opened[] = [];
  for (const service of SERVICE_NAMES) {
    const port = apiPorts[service];
    const door = await openDoor({ host: settings.host, port, ifTaken: "next" });
    started.defer(() => door.close());
    const log = openLogFile(settings.dataFolder, service);
    started.defer(() => log.close());
    opened.push({ service, door, log });
  }
  const urls = Object.fromEntries(opened.map(({ service, door }) => [service, door.url]));
  const place = { ...settings, ...installation, urls };
  const running = opened.map(({ service, door, log }) => {
    const env = workerEnvironment(service, place);
    const options = { service, count: 1, env, keepTrying: true, writeLines: log.write, say };
    return startWorkers(door, options);
  });
  started.defer(async () => {
    await Promise.all(running.map((workers) => workers.stop()));
  });
  const resources = started.move();
  return {
    urls,
    rootKey: installation.rootKey,
    logFiles: Object.fromEntries(opened.map(({ service, log }) => [service, log.file])),
    ready: Promise.all(running.map(({ up }) => up)).then(() => undefined),
    stop: () => resources.disposeAsync(),
  };
}
