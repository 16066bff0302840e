import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { errorCode } from "../errors.ts";
import { Heartbeat, type LeaseTimes } from "./heartbeat.ts";
import {
  endHolder,
  HOLDER_SUFFIX,
  holderPath,
  type HolderRecord,
  isAbsent,
  LEASE_SUFFIX,
  leasePath,
  observeHolder,
  tokensOf,
} from "./holder-files.ts";

/** An exclusive right among threads, processes, containers and hosts. */
export type Lease = AsyncDisposable & {
  /** Random; the same for all leases of this thread in the folder. */
  readonly token: string;
  /** This file exists while the lease is held, so that other programs can watch it. */
  readonly file: string;
  /** Aborts when another process has taken over because this one was suspended or could not write for too long. */
  readonly lost: AbortSignal;
  /**
   * Whether the last heartbeat is so recent that no other process can have taken over. Does not use the file system.
   */
  isHeld(): boolean;
  /**
   * Checks the file system; to be called right before an exclusive write. After a gap without heartbeats it waits until
   * the lease can be relied on again.
   */
  confirm(): Promise<boolean>;
  release(): Promise<void>;
};

/** The holder of a lease; without a record if its file is damaged. */
export type Holder = {
  token: string;
  record: HolderRecord | undefined;
  /** Whether the holder is certainly alive. Otherwise its heartbeat has to be watched for a while. */
  isCertain: boolean;
};

export const LEASE_TIMES: LeaseTimes = { heartbeatMs: 2_000, staleMs: 15_000 };
const WATCHES_PER_HEARTBEAT = 4;

/** One heartbeat for all leases of this thread in a folder; it stops with its last user. */
type SharedHeartbeat = { folder: string; heartbeat: Promise<Heartbeat>; users: number };
const sharedHeartbeats = new Map<string, SharedHeartbeat>();

/**
 * Takes the lease; undefined while another holder has it. A holder whose process has ended is replaced at once if that
 * can be seen from here (same host and PID namespace); otherwise by the first call at least 15 seconds after an earlier
 * one that finds no heartbeat in between.
 */
export async function tryLease(
  folder: string,
  name: string,
  times: LeaseTimes = LEASE_TIMES,
): Promise<Lease | undefined> {
  for (;;) {
    const shared = acquireHeartbeat(resolve(folder), times);
    let outcome: Lease | "held" | "ended" = "ended";
    try {
      outcome = await tryOnce(shared, name);
    } finally {
      if (typeof outcome === "string") await releaseHeartbeat(shared);
    }
    if (outcome === "held") return undefined;
    if (outcome !== "ended") return outcome;
  }
}

/**
 * Like `tryLease`, but watches the holder for up to 15 seconds until it is certain whether it is alive, and returns it
 * if it is. `onWait` is called once before it waits.
 */
export async function contendForLease(
  folder: string,
  name: string,
  options: { times?: LeaseTimes; onWait?: (holder: Holder) => void } = {},
): Promise<{ lease: Lease } | { holder: Holder }> {
  const { times = LEASE_TIMES } = options;
  let { onWait } = options;
  for (;;) {
    const lease = await tryLease(folder, name, times);
    if (lease) return { lease };
    const holder = findHolder(folder, name, times);
    if (holder?.isCertain) return { holder };
    if (holder) onWait?.(holder);
    if (holder) onWait = undefined;
    await delay(times.heartbeatMs / WATCHES_PER_HEARTBEAT);
  }
}

/**
 * Who holds the lease; undefined where nobody does. Writes nothing. A holder that cannot be judged at once counts as
 * alive until its heartbeat has been missing for 15 seconds since an earlier call.
 */
export function findHolder(
  folder: string,
  name: string,
  times: LeaseTimes = LEASE_TIMES,
): Holder | undefined {
  for (const token of tokensOf(resolve(folder), name)) {
    const { state, record } = observeHolder(resolve(folder), token, times.staleMs);
    if (state !== "dead") return { token, record, isCertain: state === "alive" };
  }
  return undefined;
}

/** The tokens of holders that are or may be alive. Removes the files of dead holders. */
export async function livingTokens(
  folder: string,
  times: LeaseTimes = LEASE_TIMES,
): Promise<Set<string>> {
  const root = resolve(folder);
  const alive = new Set<string>();
  const names = await readdir(root);
  const isDead = (token: string): boolean =>
    observeHolder(root, token, times.staleMs).state === "dead";
  for (const name of names.filter((it) => it.endsWith(HOLDER_SUFFIX))) {
    const token = name.slice(0, -HOLDER_SUFFIX.length);
    if (isDead(token)) await endHolder(root, token);
    else alive.add(token);
  }
  for (const file of names.filter((it) => it.endsWith(LEASE_SUFFIX))) {
    const name = file.slice(0, -LEASE_SUFFIX.length);
    const dead = tokensOf(root, name).filter((token) => !alive.has(token) && isDead(token));
    for (const token of dead) await removeLease(root, { name, token });
  }
  return alive;
}

/** `ended`: the heartbeat was lost in the meantime. */
async function tryOnce(shared: SharedHeartbeat, name: string): Promise<Lease | "held" | "ended"> {
  const heartbeat = await shared.heartbeat;
  try {
    if (!(await takeLease(heartbeat, name))) return "held";
    return (await heartbeat.beatUntilReliable()) ? leaseOf(shared, { heartbeat, name }) : "ended";
  } catch (error) {
    // The folder was deleted, or this process was suspended and another one removed its file.
    if (isAbsent(error) && !(await heartbeat.beatUntilReliable())) return "ended";
    throw error;
  }
}

/** False if a holder has it that is, or may be, alive. */
async function takeLease({ folder, token, times }: Heartbeat, name: string): Promise<boolean> {
  const draft = join(folder, `${token}.${randomUUID()}.draft`);
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(join(draft, token), "", { mode: 0o600 });
    while (!(await renameUnlessTaken(draft, leasePath(folder, name)))) {
      for (const other of tokensOf(folder, name)) {
        if (observeHolder(folder, other, times.staleMs).state !== "dead") return false;
        await endHolder(folder, other);
        await rm(join(leasePath(folder, name), other), { force: true });
      }
    }
    return true;
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** False if the target is a folder with something in it. */
async function renameUnlessTaken(draft: string, target: string): Promise<boolean> {
  try {
    await rename(draft, target);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}

function leaseOf(
  shared: SharedHeartbeat,
  { heartbeat, name }: { heartbeat: Heartbeat; name: string },
): Lease {
  const { folder, token, lost } = heartbeat;
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => {
    released ??= removeLease(folder, { name, token }).then(() => releaseHeartbeat(shared));
    return released;
  };
  return {
    token,
    file: holderPath(folder, token),
    lost,
    isHeld: () => !released && heartbeat.isReliable,
    confirm: async () => !released && heartbeat.beatUntilReliable(),
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** A lease that cannot be removed can be taken over once the heartbeat of this thread has ended. */
async function removeLease(
  folder: string,
  { name, token }: { name: string; token: string },
): Promise<void> {
  const path = leasePath(folder, name);
  await rm(join(path, token), { force: true }).catch(() => undefined);
  // Fails if another holder has taken the lease in the meantime.
  await rmdir(path).catch(() => undefined);
}

function acquireHeartbeat(folder: string, times: LeaseTimes): SharedHeartbeat {
  const known = sharedHeartbeats.get(folder);
  if (known) {
    known.users += 1;
    return known;
  }
  const shared: SharedHeartbeat = { folder, heartbeat: Heartbeat.start(folder, times), users: 1 };
  sharedHeartbeats.set(folder, shared);
  const forget = (): void => {
    if (sharedHeartbeats.get(folder) === shared) sharedHeartbeats.delete(folder);
  };
  shared.heartbeat.then(({ lost }) => lost.addEventListener("abort", forget), forget);
  return shared;
}

async function releaseHeartbeat(shared: SharedHeartbeat): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  if (sharedHeartbeats.get(shared.folder) === shared) sharedHeartbeats.delete(shared.folder);
  await shared.heartbeat.then(
    (heartbeat) => heartbeat.stop(),
    // It never started.
    () => undefined,
  );
}
