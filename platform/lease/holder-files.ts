import { readdirSync, readFileSync, closeSync, fstatSync, openSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { systemClock } from "../clock.ts";
import { errorCode } from "../errors.ts";
import { jsonWithChecksum, valueWithoutChecksum } from "../text-checksum.ts";
import { judgeProcess, ownIdentity, ProcessIdentity } from "./process-identity.ts";

/**
 * The files of a folder of leases:
 * - `<token>.holder`: the identity of the holder. Its modification time is the heartbeat.
 * - `<name>.lease/<token>`: the holder with this token has the lease `name`. The folder appears with the file in it
 *   by one rename, which fails while the target contains a file; a takeover first deletes the file of exactly the dead
 *   holder. So only one of several processes succeeds, and none can remove the lease of a living holder.
 * - `<token>.<id>.draft/`: a lease that is about to be renamed into place.
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
 * `unsure`: its process cannot be seen from here, and it was not watched for long enough to see or to miss a heartbeat.
 */
type HolderState = "alive" | "dead" | "unsure";

/** A heartbeat, when this process saw it first (monotonic), and whether it saw an earlier one. */
type Watched = { heartbeat: number; sinceMs: number; hasBeaten: boolean };

/** The last heartbeat that was seen, by the path of the holder's file. */
const watchedHolders = new Map<string, Watched>();
/** Tokens of this thread's own holders, as long as it writes their heartbeats. */
const ownTokens = new Set<string>();

/**
 * The state of a holder, and its record. Only reads the folder, so write permission is not required. If the
 * process is not visible, the result depends on the heartbeats that earlier calls have seen.
 */
export function observeHolder(
  folder: string,
  token: string,
  staleMs: number,
): { state: HolderState; record: HolderRecord | undefined } {
  const path = holderPath(folder, token);
  const found = readHolder(path);
  if (!found) {
    watchedHolders.delete(path);
    return { state: "dead", record: undefined };
  }
  const { record, heartbeat } = found;
  if (ownTokens.has(token)) return { state: "alive", record };
  const processState = record ? judgeProcess(record.process) : "unknown";
  if (processState !== "unknown") return { state: processState, record };
  const seen = { heartbeat, nowMs: performance.now() };
  const { state, watched } = holderState(watchedHolders.get(path), seen, staleMs);
  watchedHolders.set(path, watched);
  return { state, record };
}

/**
 * Judges by changes of the heartbeat only, measured with the monotonic clock of this process: the clocks of two hosts,
 * or of a host and its file server, may differ or be set.
 */
export function holderState(
  before: Watched | undefined,
  { heartbeat, nowMs }: { heartbeat: number; nowMs: number },
  staleMs: number,
): { state: HolderState; watched: Watched } {
  if (before?.heartbeat !== heartbeat) {
    const hasBeaten = before !== undefined;
    return {
      state: hasBeaten ? "alive" : "unsure",
      watched: { heartbeat, sinceMs: nowMs, hasBeaten },
    };
  }
  if (nowMs - before.sinceMs >= staleMs) return { state: "dead", watched: before };
  return { state: before.hasBeaten ? "alive" : "unsure", watched: before };
}

/** Creates the file of a holder of this thread. */
export async function createHolder(folder: string, token: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const record: HolderRecord = { process: ownIdentity(), sinceMs: systemClock.nowMs() };
  const path = holderPath(folder, token);
  try {
    await writeFile(path, jsonWithChecksum(record), { flag: "wx", mode: 0o600 });
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
  ownTokens.add(token);
}

/** The thread writes no more heartbeats for the holder, which is observed like any other from now on. */
export function disownHolder(token: string): void {
  ownTokens.delete(token);
}

/**
 * Undefined if there is no such holder; without a record if the file is damaged. A damaged record must not be used: with
 * another process id in it, a living holder would count as dead.
 */
function readHolder(
  path: string,
): { record: HolderRecord | undefined; heartbeat: number } | undefined {
  let file: number | undefined;
  try {
    // Network file systems answer `stat` from a cache; opening the file queries the server.
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
    return HolderRecord.parse(valueWithoutChecksum(text));
  } catch {
    return undefined;
  }
}

/** The tokens in a lease: one, or none if it is free or being taken. */
export function tokensOf(folder: string, name: string): string[] {
  try {
    return readdirSync(leasePath(folder, name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Removes the files of a dead holder. If it was only suspended, it finds its file missing and loses its leases. */
export async function endHolder(folder: string, token: string): Promise<void> {
  await rm(holderPath(folder, token), { force: true });
  watchedHolders.delete(holderPath(folder, token));
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${token}.`))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

export function isAbsent(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
