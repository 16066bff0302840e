import { Worker } from "node:worker_threads";

import type { FromIndexer, IndexerTask, TailRequest, ToIndexer } from "./protocol.ts";

export type Indexer = {
  setTails(tails: TailRequest[]): void;
  /** Seals what was read and ends. */
  stop(): Promise<void>;
};

/** Starts the indexer in a thread of its own, so that a burst of lines never makes a page wait. */
export function startIndexer(task: IndexerTask, listen: (message: FromIndexer) => void): Indexer {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: task });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const post = (message: ToIndexer): void => worker.postMessage(message);
  worker.on("message", (message: FromIndexer) => {
    listen(message);
    if (message.type === "stopped") void worker.terminate();
  });
  worker.on("error", (error) => listen({ type: "stopped", error: error.stack ?? error.message }));
  return {
    setTails: (tails) => post({ type: "tails", tails }),
    stop: async () => {
      post({ type: "stop" });
      await ended;
    },
  };
}
