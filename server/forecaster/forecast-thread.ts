import { MessageChannel, Worker } from "node:worker_threads";

import type { ForecastRunner } from "#forecaster/predictions.ts";
import { messagePortChannel } from "#platform/channel/message-port-channel.ts";

import type { ForecasterProblem } from "../problems/kinds.ts";
import { forecastsFrom } from "./messages.ts";

export type Forecaster = ForecastRunner & {
  /** Why there are no new forecasts at present. */
  problem(): ForecasterProblem | null;
  stop(): Promise<void>;
};

/** A thread with the number of its open requests. */
type Running = { worker: Worker; forecasts: ForecastRunner; requests: number };

/**
 * Runs the forecaster in its own thread. If the thread dies, its open requests fail and the next request starts a new
 * one.
 */
export function startForecastThread(): Forecaster {
  let running: Running | undefined;
  let failure: string | null = null;

  function start(): Running {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL("thread.ts", import.meta.url), {
      workerData: port2,
      transferList: [port2],
      // Flags of the process, such as --eval, must not reach the thread.
      execArgv: [],
    });
    // The port closes with the thread, and then the open requests fail.
    worker.on("error", () => undefined);
    worker.unref();
    const forecasts = forecastsFrom(messagePortChannel(port1));
    port1.unref();
    const started: Running = { worker, forecasts, requests: 0 };
    running = started;
    worker.once("exit", () => {
      if (running === started) running = undefined;
    });
    return started;
  }

  return {
    async forecast(request) {
      const thread = running ?? start();
      // The process must not end while it waits for a forecast only.
      thread.requests += 1;
      thread.worker.ref();
      try {
        const answer = await thread.forecasts.forecast(request);
        failure = null;
        return answer;
      } catch (error) {
        failure = error instanceof Error ? error.message : String(error);
        throw error;
      } finally {
        thread.requests -= 1;
        if (thread.requests === 0) thread.worker.unref();
      }
    },
    problem: () => (failure === null ? null : { kind: "forecaster", message: failure }),
    async stop() {
      await running?.worker.terminate();
    },
  };
}
