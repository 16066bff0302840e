import { fileURLToPath } from "node:url";

import { openFileForecastStore } from "./file-forecast-store.ts";
import { openMemoryForecastStore } from "./memory-forecast-store.ts";
import type { ForecastStore } from "./port.ts";

/** Where the forecasts of a store's events are kept. */
export const forecastsUrlBeside = (storeUrl: string): string => new URL("forecasts", storeUrl).href;

/** The adapters, by the scheme of their URL. */
const ADAPTERS: Readonly<Record<string, (url: URL) => ForecastStore>> = {
  "file:": (url) => openFileForecastStore({ folder: fileURLToPath(url) }),
  "memory:": () => openMemoryForecastStore(),
};

/** `url`: file:///path/to/folder, or memory: */
export function openForecastStore(url: string): ForecastStore {
  const parsed = new URL(url);
  const open = ADAPTERS[parsed.protocol];
  if (open) return open(parsed);
  throw new Error(`no forecast store for ${url}: known are ${Object.keys(ADAPTERS).join(", ")}`);
}
