import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import type { FromIndexer, IndexerTask, TailRequest, ToIndexer } from "./protocol.ts";

export type Indexer = {
  setTails(tails: TailRequest[]): void;
  /** Seals what was read and ends. */
  stop(): Promise<void>;
};

const RESTART_MS = { first: 500, max: 30_000 };

/**
 * Starts the indexer in a thread of its own, so that a burst of lines never makes a page wait. One that fails is
 * started again and goes on from the positions that the store has; a replay, which has none, is not.
 */
export function startIndexer(task: IndexerTask, listen: (message: FromIndexer) => void): Indexer {
  const stopping = new AbortController();
  let tails: TailRequest[] = [];
  let worker: Worker | undefined;
  const post = (message: ToIndexer): void => worker?.postMessage(message);

  async function run(): Promise<void> {
    for (let waitMs = RESTART_MS.first; ; waitMs = Math.min(waitMs * 2, RESTART_MS.max)) {
      const failed = await runOnce();
      if (!failed || stopping.signal.aborted || task.replay) return;
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
    }
  }

  async function runOnce(): Promise<boolean> {
    let failed = false;
    worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: task });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.once("exit", () => resolve());
    worker.on("message", (message: FromIndexer) => {
      listen(message);
      if (message.type !== "stopped") return;
      failed ||= message.error !== null;
      void worker?.terminate();
    });
    worker.on("error", (error) => {
      failed = true;
      listen({ type: "stopped", error: error.stack ?? error.message });
    });
    if (tails.length > 0) post({ type: "tails", tails });
    await ended;
    return failed;
  }

  const running = run();
  return {
    setTails: (wanted) => {
      tails = wanted;
      post({ type: "tails", tails });
    },
    stop: async () => {
      stopping.abort();
      post({ type: "stop" });
      await running;
    },
  };
}
