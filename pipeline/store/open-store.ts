import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Clock } from "#platform/clock.ts";

import { openEmbeddedStore } from "./embedded-store.ts";
import { openMemoryStore } from "./memory-store.ts";
import type { EventStore } from "./port.ts";

export type StoreSettings = {
  /** file:///path/to/folder, or memory: for a store that lives as long as it is open. */
  url: string;
  clock: Clock;
  /** Memory that queries may use, and cached rollup cells beside it; absent: the adapter's default. */
  memoryLimitMb?: number;
  cellsMemoryMb?: number;
};

/** The store in the folder `store` of this folder. */
export const storeUrlIn = (folder: string): string => pathToFileURL(join(folder, "store")).href;

/** The adapters, by the scheme of their URL. */
const ADAPTERS: Readonly<
  Record<string, (url: URL, settings: StoreSettings) => Promise<EventStore>>
> = {
  "file:": (url, settings) => openEmbeddedStore({ ...settings, folder: fileURLToPath(url) }),
  "memory:": () => Promise.resolve(openMemoryStore()()),
};

export async function openStore(settings: StoreSettings): Promise<EventStore> {
  const url = new URL(settings.url);
  const open = ADAPTERS[url.protocol];
  if (open) return open(url, settings);
  throw new Error(`no store for ${url.protocol}//: known are ${Object.keys(ADAPTERS).join(", ")}`);
}

/** Whether there are events in the store; asks without creating it. */
export function hasEvents(url: string): boolean {
  if (new URL(url).protocol !== "file:") return true;
  try {
    return readdirSync(join(fileURLToPath(url), "events")).some((name) =>
      name.endsWith(".parquet"),
    );
  } catch {
    return false;
  }
}
