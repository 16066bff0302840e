/** The `forecast` role: one request at a time, so that a fit never makes a page wait. */
import { parentPort } from "node:worker_threads";

import { forecast } from "#forecaster/forecast-series.ts";
import type { ForecastAnswer, ForecastRequest } from "#forecaster/forecast.ts";

export type ForecastTask = { id: number; request: ForecastRequest };
export type ForecastDone = { id: number; answer: ForecastAnswer };

parentPort?.on("message", ({ id, request }: ForecastTask) => {
  parentPort?.postMessage({ id, answer: forecast(request) } satisfies ForecastDone);
});
