import { readdirSync, readFileSync, closeSync, fstatSync, openSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { errorCode } from "../errors.ts";
import { judgeProcess, ProcessIdentity } from "./process-identity.ts";

/**
 * The files of a folder of leases:
 * - `<token>.holder`: who the holder is. Its modification time is the holder's heartbeat.
 * - `<name>.lease/<token>`: the lease `name` belongs to the holder with this token. The folder appears with the file in it
 *   by one rename, which fails while there is a file in it; and who takes a lease over deletes the file of exactly the
 *   holder that is dead. So of several processes one succeeds, and none can remove the lease of a living holder.
 * - `<token>.<id>.draft/`: a lease that is about to be renamed into its place.
 */
export const HOLDER_SUFFIX = ".holder";
export const LEASE_SUFFIX = ".lease";

export const holderPath = (folder: string, token: string): string =>
  join(folder, token + HOLDER_SUFFIX);
export const leasePath = (folder: string, name: string): string =>
  join(folder, name + LEASE_SUFFIX);

export const HolderRecord = z.object({ process: ProcessIdentity, sinceMs: z.number() });
export type HolderRecord = z.infer<typeof HolderRecord>;

/**
 * `unsure`: nothing is known of the holder's process from here, and it was not watched for long enough to see a heartbeat
 * or to miss one.
 */
type Verdict = "alive" | "dead" | "unsure";
type Judged = { verdict: Verdict; record: HolderRecord | undefined };

type Watched = { heartbeat: number; sinceMs: number; hasBeaten: boolean };

/** Heartbeats that were seen, by the path of the holder's file. */
const watched = new Map<string, Watched>();
/** Tokens of this thread's own holders. */
export const ownTokens = new Set<string>();

/** Whether the holder is alive. Reads only, so that it can be asked where nothing may be written. */
export function judgeHolder(folder: string, token: string, staleMs: number): Judged {
  const path = holderPath(folder, token);
  const found = readHolder(path);
  if (!found) {
    watched.delete(path);
    return { verdict: "dead", record: undefined };
  }
  const { record, heartbeat } = found;
  if (ownTokens.has(token)) return { verdict: "alive", record };
  const known = record ? judgeProcess(record.process) : "unknown";
  if (known !== "unknown") return { verdict: known, record };
  return { verdict: judgeHeartbeat(path, heartbeat, staleMs), record };
}

/**
 * By changes of the heartbeat alone, measured with the monotonic clock of this process: the clocks of two hosts, or of a
 * host and its file server, may differ, and a clock may be set.
 */
function judgeHeartbeat(path: string, heartbeat: number, staleMs: number): Verdict {
  const nowMs = performance.now();
  const before = watched.get(path);
  if (before?.heartbeat !== heartbeat) {
    watched.set(path, { heartbeat, sinceMs: nowMs, hasBeaten: before !== undefined });
    return before ? "alive" : "unsure";
  }
  if (nowMs - before.sinceMs >= staleMs) return "dead";
  return before.hasBeaten ? "alive" : "unsure";
}

/** Undefined where there is no such holder; without a record where the file was cut off by a crash. */
function readHolder(
  path: string,
): { record: HolderRecord | undefined; heartbeat: number } | undefined {
  let file: number | undefined;
  try {
    // Network file systems answer `stat` from a cache; opening asks the server.
    file = openSync(path, "r");
    const { mtimeMs } = fstatSync(file);
    return { record: parsed(readFileSync(file, "utf8")), heartbeat: mtimeMs };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function parsed(text: string): HolderRecord | undefined {
  try {
    return HolderRecord.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The tokens in a lease: one, or none where it is free or being taken. */
export function tokensOf(folder: string, name: string): string[] {
  try {
    return readdirSync(leasePath(folder, name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Ends a holder that is dead. If it was only suspended, it finds its file missing and stops. */
export async function endHolder(folder: string, token: string): Promise<void> {
  await rm(holderPath(folder, token), { force: true });
  watched.delete(holderPath(folder, token));
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${token}.`))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

export function isAbsent(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
