import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { openEmbeddedStore } from "./embedded-store.ts";
import { openMemoryStore } from "./memory-store.ts";
import type { EventStore } from "./port.ts";

export type StoreSettings = {
  /** file:///path/to/folder, or memory: for a store that is discarded when closed. */
  url: string;
  clock: Clock;
  /** Memory limits of queries and of cached rollup cells. Default: of the adapter. */
  memoryLimitMb?: number;
  cellsMemoryMb?: number;
};

/** The store in the folder `store` of this folder. */
export const storeUrlIn = (folder: string): string => pathToFileURL(join(folder, "store")).href;

/** Adapters by URL scheme. */
const ADAPTERS: Readonly<
  Record<string, (url: URL, settings: StoreSettings) => Promise<EventStore>>
> = {
  "file:": (url, settings) => openEmbeddedStore({ ...settings, folder: fileURLToPath(url) }),
  "memory:": () => Promise.resolve(openMemoryStore()()),
};

/** @throws AppError that lists the known schemes */
export async function openStore(settings: StoreSettings): Promise<EventStore> {
  const url = new URL(settings.url);
  const open = ADAPTERS[url.protocol];
  if (open) return open(url, settings);
  const known = Object.keys(ADAPTERS).join(", ");
  throw new AppError("bad_request", `unsupported store ${url.protocol}//: use one of ${known}`);
}

/** Whether there are events in the store. Does not create it. */
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
