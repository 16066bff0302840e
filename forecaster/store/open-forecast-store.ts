import { fileURLToPath } from "node:url";

import { openFileForecastStore } from "./file-forecast-store.ts";
import { openMemoryForecastStore } from "./memory-forecast-store.ts";
import type { ForecastStore } from "./port.ts";

/** The forecasts of an event store are kept in a folder beside it. */
export const forecastsUrlBeside = (storeUrl: string): string => new URL("forecasts", storeUrl).href;

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
