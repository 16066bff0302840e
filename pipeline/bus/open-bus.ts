import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { AppError } from "#platform/errors.ts";

import { openEmbeddedBus } from "./embedded-bus.ts";
import { openMemoryBus } from "./memory-bus.ts";
import type { Bus } from "./port.ts";

/** `url`: file:///path/to/folder, or memory: for a bus that is discarded when closed. */
export type BusSettings = { url: string };

/** The bus in the folder `bus` of this folder. */
export const busUrlIn = (folder: string): string => pathToFileURL(join(folder, "bus")).href;

/** Adapters by URL scheme. */
const ADAPTERS: Readonly<Record<string, (url: URL) => Bus>> = {
  "file:": (url) => openEmbeddedBus({ folder: fileURLToPath(url) }),
  "memory:": () => openMemoryBus()(),
};

/** @throws AppError that lists the known schemes */
export function openBus(settings: BusSettings): Bus {
  const url = new URL(settings.url);
  const open = ADAPTERS[url.protocol];
  if (open) return open(url);
  const known = Object.keys(ADAPTERS).join(", ");
  throw new AppError("bad_request", `unsupported bus ${url.protocol}//: use one of ${known}`);
}
