import { setTimeout as delay } from "node:timers/promises";

import { tryLease } from "#platform/lease/lease.ts";
import type { Log } from "#platform/log.ts";

import { currentStoreUrl, findRunning } from "../current-store.ts";
import { openDataFolder } from "../data-folder.ts";
import type { IndexSettings } from "../settings.ts";
import { runIndexRole } from "./index-role.ts";
import { indexerTask } from "./task.ts";

const LOOK_EVERY_MS = 500;
/** Nobody sees what is pushed before it is stored, unless a control plane is connected. */
const SEAL_AFTER_MS = 1_000;

/**
 * Moves what is pushed into the store while no control plane with an indexer of its own runs on the data folder. Of all
 * processes on standby one does it; when it dies, another goes on where the store says.
 */
export async function runStandbyIndexer(
  { settings, log }: { settings: IndexSettings; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder } = settings;
  const isNeeded = (): boolean => findRunning(dataFolder)?.hasIndexer !== true;
  let failure = "";
  while (!signal.aborted) {
    // A folder that cannot be written to may be repaired; until then nothing can come in either.
    await move().then(() => (failure = ""), report);
    await pause(signal);
  }

  function report(error: unknown): void {
    if (failure !== String(error)) {
      log.error("logs are not stored now; they wait, and nothing is lost", { error });
    }
    failure = String(error);
  }

  async function move(): Promise<void> {
    if (!isNeeded()) return;
    const folder = openDataFolder(dataFolder);
    await using lease = await tryLease(folder.locks, "own-ingest");
    if (!lease) return;
    const ending = new AbortController();
    const ended = AbortSignal.any([signal, lease.lost, ending.signal]);
    const storeUrl = currentStoreUrl(dataFolder);
    const into = { storeUrl, paths: [], sealAfterMs: SEAL_AFTER_MS };
    const task = indexerTask(settings, folder, into);
    const running = runIndexRole({ task, dataFolder, log }, ended).finally(() => ending.abort());
    while (!ended.aborted && isNeeded()) await pause(ended);
    ending.abort();
    await running;
  }
}

/** Ends early when it is aborted. */
const pause = (signal: AbortSignal): Promise<void> =>
  delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
