import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { isAlive, ProcessMark } from "#platform/postgres/process-mark.ts";

/** What a running control plane says of itself to other processes on the machine. */
const Running = z.object({
  /** Told apart from a later process with the same number. */
  process: ProcessMark,
  url: z.string(),
  /** The store that its boards show: the real one, the demo's, or a replay's. */
  store: z.string(),
});
export type Running = z.infer<typeof Running>;

export const runningFile = (dataFolder: string): string => join(dataFolder, "running.json");

/** The control plane that runs on this folder now, if any. */
export function findRunning(dataFolder: string): Running | undefined {
  try {
    const running = Running.parse(JSON.parse(readFileSync(runningFile(dataFolder), "utf8")));
    return isAlive(running.process) ? running : undefined;
  } catch {
    return undefined; // No file, or one from a process that died while writing it.
  }
}

/** The store of a data folder that is read and written now: the one that the boards show. */
export function currentStore(dataFolder: string): string {
  const running = findRunning(dataFolder);
  if (running) return running.store;
  const store = join(dataFolder, "store");
  const demo = join(dataFolder, "demo", "store");
  return hasSegments(store) || !hasSegments(demo) ? store : demo;
}

function hasSegments(store: string): boolean {
  try {
    return readdirSync(join(store, "events"), { recursive: true, encoding: "utf8" }).some((name) =>
      name.endsWith(".parquet"),
    );
  } catch {
    return false;
  }
}
