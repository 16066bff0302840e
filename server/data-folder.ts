import { accessSync, constants, existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";

import { AppError } from "#platform/errors.ts";
import { earlierOwner } from "#platform/lease/earlier-version.ts";
import { contendForLease, type Holder, type Lease } from "#platform/lease/lease.ts";
import { writeStateFile } from "#platform/state-file.ts";

import {
  CONTROL_PLANE_LEASE,
  findRunning,
  locksIn,
  logsStoreUrl,
  type Running,
  runningFile,
  type StorePlace,
} from "./current-store.ts";

/** Paths in the data folder, and the URL of the store, which settings may place elsewhere. */
export type DataFolder = {
  root: string;
  /** The store of the real logs. */
  storeUrl: string;
  locks: string;
  demo: string;
  replay: string;
  logFile: string;
  accessLogFile: string;
};

export function openDataFolder(settings: StorePlace): DataFolder {
  const root = settings.dataFolder;
  const folder: DataFolder = {
    root,
    storeUrl: logsStoreUrl(settings),
    locks: locksIn(root),
    demo: path.join(root, "demo"),
    replay: path.join(root, "replay"),
    logFile: path.join(root, "logs", "quarterdeck.log"),
    accessLogFile: path.join(root, "logs", "quarterdeck.access.ndjson"),
  };
  try {
    // Logs contain personal data, so only the owner may read these folders.
    const store = settings.storeUrl === undefined ? [path.join(root, "store")] : [];
    const written = [root, ...store, folder.locks, path.dirname(folder.logFile)];
    // First, because creating a folder on a read-only disk fails with a misleading error.
    for (const it of written) if (existsSync(it)) accessSync(it, constants.W_OK);
    for (const made of [...store, folder.locks]) {
      mkdirSync(made, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    throw unusable(root, error);
  }
  return folder;
}

function unusable(root: string, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError(
    "bad_request",
    `the data folder ${root} cannot be used: ${why}. Free disk space or grant write access, or choose another folder with --data. A folder that may only be read can be queried: quarterdeck query --help`,
    { cause: error },
  );
}

/**
 * Makes this process the control plane of the folder, also after another one was killed. If that one may run in another
 * container, it waits up to 15 seconds, and calls `onWait` first.
 * @throws AppError when another control plane is running
 */
export async function takeFolder(
  folder: DataFolder,
  onWait: (message: string) => void,
): Promise<Lease> {
  const found = await contendForLease(folder.locks, CONTROL_PLANE_LEASE, {
    onWait: (holder) => onWait(`${describe(holder)} may still run on ${folder.root}: waiting …`),
  }).catch((error: unknown) => {
    throw unusable(folder.root, error);
  });
  if ("holder" in found) {
    const url = findRunning(folder.root)?.url;
    throw alreadyRunning(folder.root, describe(found.holder), url);
  }
  const earlier = await earlierOwner(folder.root);
  if (earlier === undefined) return found.lease;
  await found.lease.release();
  throw alreadyRunning(folder.root, `process ${earlier}, of an earlier version`, undefined);
}

function alreadyRunning(root: string, who: string, url: string | undefined): AppError {
  const what = url === undefined ? "wait until it is ready" : `open ${url}`;
  return new AppError(
    "conflict",
    `A control plane is already running on ${root}: ${what}, stop it (${who}), or choose another folder with --data`,
  );
}

function describe({ record }: Holder): string {
  if (!record) return "an unknown process";
  const { pid, host } = record.process;
  return `process ${pid} on ${host}, since ${new Date(record.sinceMs).toISOString()}`;
}

/** Publishes the state of this control plane to other processes. */
export const publishRunning = (folder: DataFolder, running: Running): void =>
  writeStateFile(runningFile(folder.root), running);

export function removeRunning(folder: DataFolder): void {
  rmSync(runningFile(folder.root), { force: true });
}
