import { setTimeout as delay } from "node:timers/promises";

import {
  type IndexerEnd,
  type IndexerStatus,
  liveAddress,
  NO_STATUS,
} from "#pipeline/live-link/messages.ts";
import { LivePublisher } from "#pipeline/live-link/publisher.ts";
import type { Expired } from "#pipeline/store/port.ts";
import { listenForChannels } from "#platform/channel/sockets.ts";
import { systemClock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import { logExpired } from "./log-expired.ts";
import { type IndexerTask, runIndexer } from "./run-indexer.ts";

const RETRY_MS = { first: 500, max: 30_000 };

/** The status between a failure and the restart. */
const failedStatus = (error: unknown): IndexerStatus => {
  const reason = error instanceof Error ? error.message : String(error);
  return { ...NO_STATUS, storeError: `the indexer failed and is started again: ${reason}` };
};

/**
 * Runs an indexer in this process until the signal aborts, and publishes to the control planes of the data folder.
 * After a failure it starts again from the positions in the store.
 */
export async function runIndexRole(
  { task, dataFolder, log }: { task: IndexerTask; dataFolder: string; log: Log },
  signal: AbortSignal,
): Promise<void> {
  let publisher = new LivePublisher(systemClock);
  const onExpired = (expired: readonly Expired[]): void => logExpired(log, expired);
  await using open = new AsyncDisposableStack();
  try {
    const attach = (channel: IndexerEnd): void => publisher.attach(channel);
    open.use(await listenForChannels(liveAddress(dataFolder), attach));
  } catch (error) {
    // Events are still stored: boards show them, but not live.
    log.warn("control planes cannot connect with this indexer", { error });
  }
  for (let waitMs = RETRY_MS.first; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MS.max)) {
    try {
      await runIndexer(task, { publisher, onExpired }, signal);
      return;
    } catch (error) {
      log.error("the indexer failed and will be restarted", { error });
      // Events that it had not stored are read and published again, to newly connected control planes.
      publisher.close();
      publisher = new LivePublisher(systemClock);
      publisher.status(failedStatus(error));
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
