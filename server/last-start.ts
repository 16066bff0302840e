import path from "node:path";

import { z } from "zod";

import { readStateFile, writeStateFile } from "#platform/state-file.ts";

/** Used by the next start without arguments. */
const LastStart = z.object({
  /** The log files of the last start that named any. */
  paths: z.array(z.string()).default([]),
  demo: z.enum(["undecided", "on", "off"]).default("undecided"),
});
export type LastStart = z.infer<typeof LastStart>;

const fileIn = (root: string): string => path.join(root, "start.json");

/** As at the first start if there was none, or if its file is damaged. */
export const readLastStart = (root: string): LastStart =>
  readStateFile(fileIn(root), LastStart).value ?? LastStart.parse({});

/** Why the last start is not known although there was one, and what to do; undefined otherwise. */
export function lastStartDamage(root: string): string | undefined {
  const { damage } = readStateFile(fileIn(root), LastStart);
  return damage && `${damage}: the log files of the last start are not known, so name them again`;
}

/** Like `saveLastStart`, for a start that can go on without it: returns why the change could not be saved, instead of throwing. */
export function trySaveLastStart(root: string, change: Partial<LastStart>): string | undefined {
  try {
    saveLastStart(root, change);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `The log files could not be saved, so name them again at the next start: ${reason}`;
  }
}

/** Saves the change for the next start. */
export function saveLastStart(root: string, change: Partial<LastStart>): void {
  if (Object.keys(change).length === 0) return;
  writeStateFile(fileIn(root), { ...readLastStart(root), ...change });
}
