import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { Config } from "#platform/config.ts";

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

type Opened = { service: ServiceName; door: Door; log: LogFile };

/**
 * Starts every domain API with one worker process each. All ports are open when it resolves: connections wait until
 * their service is up.
 * @throws AppError when a port or the database cannot be had
 */
export async function startApis(config: Config, say: (line: string) => void): Promise<Apis> {
  await using started = new AsyncDisposableStack();
  const installation = await openInstallation(config);
  started.defer(() => installation.close());
  const opened: Opened[] = [];
  for (const service of SERVICE_NAMES) {
    const port = config.api.ports[service];
    const door = await openDoor({ host: config.host, port, ifTaken: "next" });
    started.defer(() => door.close());
    const log = openLogFile(config.dataFolder, service);
    started.defer(() => log.close());
    opened.push({ service, door, log });
  }
  const env = { ...workerEnvironment(config, installation), ...addresses(opened) };
  const running = opened.map(({ service, door, log }) => {
    const options = { service, count: 1, env, keepTrying: true, writeLines: log.write, say };
    return startWorkers(door, options);
  });
  started.defer(async () => {
    await Promise.all(running.map((workers) => workers.stop()));
  });
  const resources = started.move();
  return {
    urls: Object.fromEntries(opened.map(({ service, door }) => [service, door.url])),
    rootKey: installation.rootKey,
    logFiles: Object.fromEntries(opened.map(({ service, log }) => [service, log.file])),
    ready: Promise.all(running.map(({ up }) => up)).then(() => undefined),
    stop: () => resources.disposeAsync(),
  };
}

/** Where each is really reached, for all of them; an address that was set, such as that of a proxy, stays. */
function addresses(opened: readonly Opened[]): Record<string, string> {
  return Object.fromEntries(
    opened.map(({ service, door }) => {
      const name = `API_${service.toUpperCase()}_URL`;
      return [name, process.env[name] || door.url];
    }),
  );
}
