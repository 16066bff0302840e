import { busUrlIn } from "#pipeline/bus/open-bus.ts";

import type { DataFolder } from "../data-folder.ts";
import type { IndexSettings } from "../settings.ts";
import type { IndexerTask } from "./run-indexer.ts";

/** Boards show rows from frames before they are stored, so sealing can wait. */
const SEAL_AFTER_MS = 3_000;

/** The sources to index and the store. */
export type WhatToIndex = Pick<IndexerTask, "storeUrl" | "paths" | "replay" | "sourcesFolder"> & {
  sealAfterMs?: number;
  /** Default: the bus of the settings. */
  busUrl?: string;
};

export const indexerTask = (
  settings: IndexSettings,
  folder: Pick<DataFolder, "root" | "locks">,
  what: WhatToIndex,
): IndexerTask => ({
  sealAfterMs: SEAL_AFTER_MS,
  // Pushed events do not belong into the store of a replay.
  ...(what.replay ? {} : { busUrl: settings.busUrl ?? busUrlIn(folder.root) }),
  ...what,
  locksFolder: folder.locks,
  signIn: settings.signIn,
  signOut: settings.signOut,
  trustedProxies: settings.trustedProxies,
  cloudFrontFields: settings.cloudFrontFields,
  timezone: settings.timezone,
  durationUnits: settings.durationUnits,
  processing: settings.processing,
  stateFolder: folder.root,
});
