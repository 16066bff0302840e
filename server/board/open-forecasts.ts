import { fileURLToPath } from "node:url";

import { openFileForecastStore } from "#forecaster/store/file-forecast-store.ts";
import { openMemoryForecastStore } from "#forecaster/store/memory-forecast-store.ts";
import type { ForecastStore } from "#forecaster/store/port.ts";

/**
 * The forecasts that were issued of the events in a store: a folder beside the store's. A replay starts from nothing
 * each time, so that its forecasts are kept in memory.
 */
export function openForecasts(
  storeUrl: string,
  workspace: "logs" | "demo" | "replay",
): ForecastStore {
  if (workspace === "replay") return openMemoryForecastStore();
  return openFileForecastStore({ folder: fileURLToPath(new URL("forecasts", storeUrl)) });
}
