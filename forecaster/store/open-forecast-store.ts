import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { openFileForecastStore } from "./file-forecast-store.ts";
import { openMemoryForecastStore } from "./memory-forecast-store.ts";
import type { ForecastStore } from "./port.ts";

/** The forecasts of an event store are kept in a folder beside it, or in the data folder if the store is no folder. */
export const forecastsUrlOf = (storeUrl: string, dataFolder: string): string =>
  storeUrl.startsWith("file:")
    ? new URL("forecasts", storeUrl).href
    : pathToFileURL(join(dataFolder, "forecasts")).href;

/** Adapters by URL scheme. */
const ADAPTERS: Readonly<Record<string, (url: URL) => ForecastStore>> = {
  "file:": (url) => openFileForecastStore({ folder: fileURLToPath(url) }),
  "memory:": () => openMemoryForecastStore(),
};

/** `url`: file:///path/to/folder, or memory: */
export function openForecastStore(url: string): ForecastStore {
  const parsed = new URL(url);
  const open = ADAPTERS[parsed.protocol];
  if (open) return open(parsed);
  throw new Error(
    `unsupported forecast store ${url}: use one of ${Object.keys(ADAPTERS).join(", ")}`,
  );
}
