import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import { busUrlIn } from "#pipeline/bus/open-bus.ts";
import { tryLease } from "#platform/lease/lease.ts";
import type { Log } from "#platform/log.ts";

import { currentStoreUrl, findRunning, locksIn } from "../current-store.ts";

const LOOK_EVERY_MS = 500;

/** What the thread is started with; request patterns as text, because parsed ones cannot pass between threads. */
export type IngestTask = {
  storeUrl: string;
  busUrl: string;
  signIn: string[];
  signOut: string[];
  timezone: string;
};

export type OwnIngestOptions = {
  config: Pick<IngestTask, "signIn" | "signOut" | "timezone"> & { dataFolder: string };
  log: Log;
};

/**
 * Moves the bus into the store while no control plane, which does that itself, runs on the data folder. One of all
 * processes that started this does it; when it dies, another one goes on from the stored positions.
 */
export function startOwnIngest({ config, log }: OwnIngestOptions): AsyncDisposable {
  const stopping = new AbortController();
  const { dataFolder, signIn, signOut, timezone } = config;
  const busUrl = busUrlIn(dataFolder);

  async function move(): Promise<void> {
    const storeUrl = currentStoreUrl(dataFolder);
    const task: IngestTask = { storeUrl, busUrl, signIn, signOut, timezone };
    const worker = new Worker(new URL("own-ingest-thread.ts", import.meta.url), {
      workerData: task,
      // Flags of the process, such as --eval, are not meant for the thread.
      execArgv: [],
    });
    const state = { ended: false };
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.once("exit", () => {
      state.ended = true;
      resolve();
    });
    worker.on("error", (error) =>
      log.error("logs are not stored now; storing is started again", { error }),
    );
    worker.on("message", (error: string) =>
      log.error("logs cannot be stored; they wait, and nothing is lost", { error }),
    );
    while (!state.ended && !stopping.signal.aborted && !findRunning(dataFolder)) await look();
    worker.postMessage("stop");
    await ended;
  }

  const look = (): Promise<void> =>
    delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // A folder that cannot be written to may be repaired; until then nothing can come in either.
      await using lease = findRunning(dataFolder)
        ? undefined
        : await tryLease(locksIn(dataFolder), "own-ingest").catch(() => undefined);
      if (lease) await move();
      await look();
    }
  }

  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}
