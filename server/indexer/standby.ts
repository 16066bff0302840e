import { setTimeout as delay } from "node:timers/promises";

import { tryLease } from "#platform/lease/lease.ts";
import type { Log } from "#platform/log.ts";

import { currentStoreUrl, findRunning } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import type { IndexSettings } from "../settings.ts";
import { runIndexRole } from "./index-role.ts";
import { indexerTask } from "./task.ts";

const CHECK_EVERY_MS = 500;
/** Without a connected control plane, pushed events become visible only when they are sealed. */
const SEAL_AFTER_MS = 1_000;

/**
 * Indexes pushed events while no control plane with its own indexer runs on the data folder. Of all standby processes
 * one is active; if it dies, another one continues from the positions in the store.
 */
export async function runStandbyIndexer(
  { settings, log }: { settings: IndexSettings; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder } = settings;
  const isNeeded = (): boolean => findRunning(dataFolder)?.hasIndexer !== true;
  let failure = "";
  while (!signal.aborted) {
    // The folder may become writable again; until then nothing can be pushed either.
    await move().then(() => (failure = ""), report);
    await pause(signal);
  }

  function report(error: unknown): void {
    if (failure !== String(error)) {
      log.error("events cannot be stored now; they stay in the bus and none are lost", { error });
    }
    failure = String(error);
  }

  async function move(): Promise<void> {
    if (!isNeeded()) return;
    const folder = openDataFolder(settings);
    await using lease = await tryLease(folder.locks, "own-ingest");
    if (!lease) return;
    const ending = new AbortController();
    const ended = AbortSignal.any([signal, lease.lost, ending.signal]);
    const storeUrl = currentStoreUrl(settings);
    const into = { storeUrl, paths: [], sealAfterMs: SEAL_AFTER_MS };
    const task = indexerTask(settings, folder, into);
    const running = runIndexRole({ task, dataFolder, log }, ended).finally(() => ending.abort());
    while (!ended.aborted && isNeeded()) await pause(ended);
    ending.abort();
    await running;
  }
}

/** Ends early when the signal aborts. */
const pause = (signal: AbortSignal): Promise<void> =>
  delay(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
