import { busUrlIn } from "#pipeline/bus/open-bus.ts";

import type { DataFolder } from "../data-folder.ts";
import type { IndexSettings } from "../settings.ts";
import type { IndexerTask } from "./run-indexer.ts";

/** Rows are on the boards by frames before they are stored. */
const SEAL_AFTER_MS = 3_000;

/** What is to be indexed, and into which store. */
export type WhatToIndex = Pick<IndexerTask, "storeUrl" | "paths" | "replay"> & {
  sealAfterMs?: number;
};

export const indexerTask = (
  settings: IndexSettings,
  folder: Pick<DataFolder, "root" | "locks">,
  what: WhatToIndex,
): IndexerTask => ({
  sealAfterMs: SEAL_AFTER_MS,
  ...what,
  locksFolder: folder.locks,
  // What is pushed does not belong among the events of an old log that is replayed.
  ...(what.replay ? {} : { busUrl: busUrlIn(folder.root) }),
  signIn: settings.signIn,
  signOut: settings.signOut,
  timezone: settings.timezone,
});
