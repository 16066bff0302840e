import { Worker } from "node:worker_threads";

import type { ForecastAnswer } from "#forecaster/forecast.ts";
import type { ForecastRunner } from "#forecaster/predictions.ts";

import type { ForecastDone, ForecastTask } from "./forecast-thread.ts";

export type ForecastWorker = ForecastRunner & { stop(): Promise<void> };

/** Runs the forecaster in a thread of its own. If the thread dies, its open requests fail and a new one starts. */
export function startForecastWorker(): ForecastWorker {
  const open = new Map<number, PromiseWithResolvers<ForecastAnswer>>();
  let nextId = 0;
  let worker: Worker | undefined;

  function start(): Worker {
    const started = new Worker(new URL("forecast-thread.ts", import.meta.url));
    started.unref();
    started.on("message", ({ id, answer }: ForecastDone) => {
      open.get(id)?.resolve(answer);
      open.delete(id);
    });
    const fail = (reason: unknown): void => {
      if (worker === started) worker = undefined;
      for (const waiting of open.values()) waiting.reject(reason);
      open.clear();
    };
    started.on("error", fail);
    started.on("exit", () => fail(new Error("the forecaster stopped")));
    return started;
  }

  return {
    forecast(request) {
      worker ??= start();
      nextId += 1;
      const waiting = Promise.withResolvers<ForecastAnswer>();
      open.set(nextId, waiting);
      worker.postMessage({ id: nextId, request } satisfies ForecastTask);
      return waiting.promise;
    },
    async stop() {
      await worker?.terminate();
    },
  };
}
