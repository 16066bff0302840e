import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel, Worker } from "node:worker_threads";

import type { ControlEnd } from "#pipeline/live-link/messages.ts";
import type { Expired } from "#pipeline/store/port.ts";
import { messagePortChannel } from "#platform/channel/message-port-channel.ts";

import type { IndexerTask } from "./run-indexer.ts";
import type { IndexerReport, IndexerThreadData } from "./thread.ts";

export type Indexer = {
  /** Seals the events that were read, and ends. */
  stop(): Promise<void>;
};

export type IndexerListeners = {
  /** Called with the channel of each run of the indexer. */
  attach(channel: ControlEnd): void;
  onFailed(error: string): void;
  /** Called with the events that were deleted by their dataset's retention. */
  onExpired(expired: readonly Expired[]): void;
};

const RESTART_MS = { first: 500, max: 30_000 };

/**
 * Starts the indexer in its own thread, so that a burst of lines never delays requests. After a failure it is restarted
 * from the positions in the store; a replay, which has no positions, is not restarted.
 */
export function startIndexer(task: IndexerTask, listeners: IndexerListeners): Indexer {
  const stopping = new AbortController();
  let worker: Worker | undefined;

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
    const { port1, port2 } = new MessageChannel();
    worker = new Worker(new URL("thread.ts", import.meta.url), {
      workerData: { task, port: port2 } satisfies IndexerThreadData,
      transferList: [port2],
      // Flags of the process, such as --eval, must not reach the thread.
      execArgv: [],
    });
    listeners.attach(messagePortChannel(port1));
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const fail = (error: string): void => {
      failed = true;
      listeners.onFailed(error);
    };
    worker.once("exit", () => resolve());
    worker.on("message", (report: IndexerReport) => {
      if (report.type === "expired") {
        listeners.onExpired(report.expired);
        return;
      }
      if (report.error !== null) fail(report.error);
      void worker?.terminate();
    });
    worker.on("error", (error) => fail(error.stack ?? error.message));
    await ended;
    return failed;
  }

  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      worker?.postMessage("stop");
      await running;
    },
  };
}
