import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { apiUrlSettings } from "#api/kit/settings.ts";
import { type EmbeddedServer, startEmbedded } from "#platform/postgres/embedded.ts";
import { hasLivingOwner } from "#platform/postgres/owner.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";
import { variablesOf } from "#platform/settings/settings.ts";

import type { ApiHostSettings } from "../settings.ts";
import { workerProcess } from "./service-settings.ts";

/** What the services of one installation share: the database server and the root key. */
export type Installation = {
  databaseUrl: string;
  rootKey: string;
  /**
   * Calls back when the database server has moved: the embedded one ends with the process that started it, and then one
   * of those that still use it starts it again.
   */
  onMoved(moved: (databaseUrl: string) => void): void;
  /** Stops the embedded PostgreSQL where this process has started it. */
  close(): Promise<void>;
};

const LOOK_MS = 1_000;

/** @throws AppError when PostgreSQL does not start */
export async function openInstallation(settings: ApiHostSettings): Promise<Installation> {
  const rootKey = settings.rootKey ?? keptRootKey(settings.dataFolder);
  const { databaseUrl } = settings;
  if (databaseUrl !== undefined) {
    return { databaseUrl, rootKey, onMoved: () => undefined, close: () => Promise.resolve() };
  }
  const embedded = await followEmbedded(settings.dataFolder);
  return { ...embedded, rootKey };
}

async function followEmbedded(dataFolder: string): Promise<Omit<Installation, "rootKey">> {
  let server: EmbeddedServer = await startEmbedded(dataFolder);
  let tellMoved: ((databaseUrl: string) => void) | undefined;
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (await hasLivingOwner(path.join(dataFolder, "postgres"))) return;
    const before = server.url;
    server = await startEmbedded(dataFolder);
    if (server.url !== before) tellMoved?.(server.url);
  };
  const timer = setInterval(() => {
    // What does not start now is tried again; the services say "unavailable" meanwhile.
    looking = looking.then(look).catch(() => undefined);
  }, LOOK_MS);
  return {
    databaseUrl: server.url,
    onMoved(moved) {
      tellMoved = moved;
    },
    async close() {
      clearInterval(timer);
      await looking;
      await server.stop();
    },
  };
}

/** The root key in `<data>/api/root-key`, made at the first start; of several processes one makes it. */
function keptRootKey(dataFolder: string): string {
  const folder = path.join(dataFolder, "api");
  const file = path.join(folder, "root-key");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flush: true });
  try {
    // A link appears whole or not at all, and fails where there is one already.
    linkSync(mine, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  return readFileSync(file, "utf8").trim();
}

export type WorkerPlace = Pick<ApiHostSettings, "dataFolder" | "host"> &
  Pick<Installation, "databaseUrl" | "rootKey"> & {
    /** Where each service of the installation is reached, as far as this process has found out. */
    urls: Readonly<Partial<Record<ServiceName, string>>>;
  };

/**
 * The environment of a service's workers: the settings of that service alone, and what this process has found out. An
 * address that was set, such as that of a proxy, stays.
 */
export function workerEnvironment(service: ServiceName, place: WorkerPlace): NodeJS.ProcessEnv {
  const allowed = workerProcess(service);
  const env = processEnvironment(process.env, allowed);
  // Both NAME and NAME_FILE are refused; the value is known by now.
  delete env["DATABASE_URL_FILE"];
  delete env["API_ROOT_KEY_FILE"];
  const found: Record<string, string> = {
    QUARTERDECK_DATA: place.dataFolder,
    QUARTERDECK_HOST: place.host,
    DATABASE_URL: place.databaseUrl,
    API_ROOT_KEY: place.rootKey,
  };
  for (const name of SERVICE_NAMES) {
    const { variable } = apiUrlSettings[name];
    const url = process.env[variable] || place.urls[name];
    if (url !== undefined) found[variable] = url;
  }
  return { ...env, ...variablesOf(allowed.settings, found) };
}
