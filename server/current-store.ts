import { join } from "node:path";

import { z } from "zod";

import { hasEvents, storeUrlIn } from "#pipeline/store/open-store.ts";
import { findHolder } from "#platform/lease/lease.ts";
import { readStateFile } from "#platform/state-file.ts";

export const CONTROL_PLANE_LEASE = "control-plane";

/** Published by a running control plane for other processes. */
const Running = z.object({
  /** Token of its lease. */
  token: z.string(),
  url: z.string(),
  /** URL of the store that its boards show: of the logs, the demo or a replay. */
  store: z.string(),
  /** Whether it has its own indexer, which reads the bus into that store. */
  hasIndexer: z.boolean().default(true),
});
export type Running = z.infer<typeof Running>;

/** The folder for the leases of a data folder. */
export const locksIn = (dataFolder: string): string => join(dataFolder, "locks");
export const runningFile = (dataFolder: string): string => join(dataFolder, "running.json");

/** The control plane that runs on the folder, if any. */
export function findRunning(dataFolder: string): Running | undefined {
  const running = readStateFile(runningFile(dataFolder), Running).value;
  // There is no file, it is damaged or from an earlier version.
  if (!running) return undefined;
  const holder = findHolder(locksIn(dataFolder), CONTROL_PLANE_LEASE);
  return holder?.token === running.token ? running : undefined;
}

/** The settings that determine the store. */
export type StorePlace = { dataFolder: string; storeUrl?: string | undefined };

/** URL of the store of the real logs. */
export const logsStoreUrl = ({ dataFolder, storeUrl }: StorePlace): string =>
  storeUrl ?? storeUrlIn(dataFolder);

/** URL of the store that is in use, i.e. shown by the boards. */
export function currentStoreUrl(settings: StorePlace): string {
  const { dataFolder } = settings;
  const running = findRunning(dataFolder);
  if (running) return running.store;
  const logs = logsStoreUrl(settings);
  const demo = storeUrlIn(join(dataFolder, "demo"));
  return hasEvents(logs) || !hasEvents(demo) ? logs : demo;
}
