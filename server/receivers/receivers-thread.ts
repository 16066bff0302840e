import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import type { ReceiveSettings } from "../settings.ts";

export type ReceiversThreadData = { settings: ReceiveSettings; logFile: string };
/** Posted by the thread: that it listens, messages for the terminal, and last that it has ended. */
export type ReceiversReport =
  | { type: "open"; addresses: readonly string[] }
  | { type: "notice"; line: string }
  | { type: "ended"; error: string | null };

export type ReceiversThread = {
  /** Why it does not listen at present, for people; null if it does or has just begun. */
  problem(): string | null;
  /** Finishes the requests in progress. */
  stop(): Promise<void>;
};

const RESTART_MS = { first: 500, max: 30_000 };

/** Runs the socket holder in a thread, and starts it again after a failure. `notify` gets messages for the terminal. */
export function startReceiversThread(
  data: ReceiversThreadData,
  notify: (line: string) => void,
): ReceiversThread {
  const stopping = new AbortController();
  let worker: Worker | undefined;
  let problem: string | null = null;

  async function run(): Promise<void> {
    for (let waitMs = RESTART_MS.first; ; waitMs = Math.min(waitMs * 2, RESTART_MS.max)) {
      const error = await runOnce();
      if (error === null || stopping.signal.aborted) return;
      problem = error;
      notify(`Pushed logs cannot be received: ${error}`);
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
    }
  }

  async function runOnce(): Promise<string | null> {
    let failure: string | null = "the thread ended";
    worker = new Worker(new URL("thread.ts", import.meta.url), {
      workerData: data,
      // Flags of the process, such as --eval, must not reach the thread.
      execArgv: [],
    });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.once("exit", () => resolve());
    worker.on("message", (report: ReceiversReport) => {
      if (report.type === "open") {
        problem = null;
        if (report.addresses.length > 0) {
          notify(`Logs can be pushed to ${report.addresses.join(", ")} (quarterdeck token --help)`);
        }
        return;
      }
      if (report.type === "notice") {
        notify(report.line);
        return;
      }
      failure = report.error;
      void worker?.terminate();
    });
    worker.on("error", (error) => {
      failure = error.message;
    });
    await ended;
    return failure;
  }

  const running = run();
  return {
    problem: () => problem,
    stop: async () => {
      stopping.abort();
      worker?.postMessage("stop");
      await running;
    },
  };
}
