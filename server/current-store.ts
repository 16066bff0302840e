import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { hasEvents, storeUrlIn } from "#pipeline/store/open-store.ts";
import { isAlive, ProcessMark } from "#platform/postgres/process-mark.ts";

/** What a running control plane publishes to other processes of the machine. */
const Running = z.object({
  process: ProcessMark,
  url: z.string(),
  /** URL of the store that its boards show: that of the logs, the demo or a replay. */
  store: z.string(),
});
export type Running = z.infer<typeof Running>;

export const runningFile = (dataFolder: string): string => join(dataFolder, "running.json");

/** The control plane that runs on this folder, if any. */
export function findRunning(dataFolder: string): Running | undefined {
  try {
    const running = Running.parse(JSON.parse(readFileSync(runningFile(dataFolder), "utf8")));
    return isAlive(running.process) ? running : undefined;
  } catch {
    return undefined; // No file, or one from a process that died while writing it.
  }
}

/** URL of the store of a data folder that is in use: the one that the boards show. */
export function currentStoreUrl(dataFolder: string): string {
  const running = findRunning(dataFolder);
  if (running) return running.store;
  const logs = storeUrlIn(dataFolder);
  const demo = storeUrlIn(join(dataFolder, "demo"));
  return hasEvents(logs) || !hasEvents(demo) ? logs : demo;
}
