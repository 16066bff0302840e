import { randomBytes, randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { accountsSettings } from "#api/accounts/settings.ts";
import { deriveKeys } from "#api/kit/keys.ts";
import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { apiUrlSettings } from "#api/kit/settings.ts";
import { managementSettings } from "#api/management/settings.ts";
import { warehouseSettings } from "#api/reporting/settings.ts";
import { busSettings, storeSettings } from "#pipeline/settings.ts";
import { AppError } from "#platform/errors.ts";
import { type EmbeddedServer, startEmbedded } from "#platform/postgres/embedded.ts";
import { replicaSettings } from "#platform/postgres/settings.ts";
import { ownVariables } from "#platform/settings/process-environment.ts";
import { variablesOf } from "#platform/settings/settings.ts";
import { syncFolder } from "#platform/state-file.ts";

import type { ApiHostSettings } from "../settings.ts";
import type { ApisPlace } from "./place.ts";
import { workerProcess, workerSecrets } from "./service-settings.ts";
import type { WorkerInput } from "./worker-input.ts";

/** The shared parts of one installation: the database server and the root key. */
export type Installation = {
  databaseUrl: string;
  rootKey: string;
  /**
   * Calls back when the database server has a new address: the embedded server stops with the process that started it,
   * and another process that uses it starts it again.
   */
  onMoved(listener: (databaseUrl: string) => void): void;
  /** Stops the embedded PostgreSQL if this process started it. */
  close(): Promise<void>;
};

const CHECK_EVERY_MS = 1_000;

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
  let onMoved: ((databaseUrl: string) => void) | undefined;
  let checking: Promise<void> = Promise.resolve();
  const check = async (): Promise<void> => {
    if (server.isCurrent()) return;
    const before = server;
    server = await startEmbedded(dataFolder);
    await before.stop();
    if (server.url !== before.url) onMoved?.(server.url);
  };
  const timer = setInterval(() => {
    // A failed start is retried at the next check; until then the services respond with 503.
    checking = checking.then(check).catch(() => undefined);
  }, CHECK_EVERY_MS);
  return {
    databaseUrl: server.url,
    onMoved(listener) {
      onMoved = listener;
    },
    async close() {
      clearInterval(timer);
      await checking;
      await server.stop();
    },
  };
}

export const rootKeyFile = (dataFolder: string): string => path.join(dataFolder, "api", "root-key");

/** The stored root key, which the first start creates, even if several processes start at once. */
function keptRootKey(dataFolder: string): string {
  const file = rootKeyFile(dataFolder);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flush: true });
  try {
    // Linking creates the file complete or not at all, and never replaces an existing one.
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(path.dirname(file));
  const key = readFileSync(file, "utf8").trim();
  if (key !== "") return key;
  throw new AppError(
    "unavailable",
    `${file} is empty. Restore it from a backup; without one, delete it, and what the APIs encrypted with the old key cannot be read any more.`,
  );
}

/** Settings of places outside of the data folder and DATABASE_URL. */
const OUTSIDE = {
  ...storeSettings,
  ...busSettings,
  ...replicaSettings,
  ...managementSettings,
  ...warehouseSettings,
  smtpUrl: accountsSettings.smtpUrl,
};

export type WorkerPlace = Pick<ApiHostSettings, "host"> &
  Pick<Installation, "rootKey"> &
  ApisPlace & {
    /** Known URLs of the services. */
    urls: Readonly<Partial<Record<ServiceName, string>>>;
  };

/**
 * What the workers of a service are given: the settings of that service alone, with the addresses known to this
 * process, and the keys that it uses instead of the root key. A configured address, e.g. of a proxy, takes precedence.
 */
export function workerInput(service: ServiceName, place: WorkerPlace): WorkerInput {
  const allowed = workerProcess(service);
  const variables = ownVariables(process.env, allowed);
  // Setting both NAME and NAME_FILE is an error.
  delete variables["DATABASE_URL_FILE"];
  if (place.isDemo) {
    for (const { variable } of Object.values(OUTSIDE)) {
      delete variables[variable];
      delete variables[`${variable}_FILE`];
    }
  }
  const found: Record<string, string> = {
    QUARTERDECK_DATA: place.dataFolder,
    QUARTERDECK_HOST: place.host,
    DATABASE_URL: place.databaseUrl,
  };
  for (const name of SERVICE_NAMES) {
    const { variable } = apiUrlSettings[name];
    const url = process.env[variable] || place.urls[name];
    if (url !== undefined) found[variable] = url;
  }
  return {
    variables: { ...variables, ...variablesOf(allowed.settings, found) },
    keys: deriveKeys(place.rootKey, workerSecrets(service)),
  };
}
