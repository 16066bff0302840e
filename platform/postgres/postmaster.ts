import { statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import { hasOwnProc } from "../lease/process-identity.ts";

export const POLL_MS = 20;
const STOP_MS_MAX = 5_000;

/** Parsed from postmaster.pid: the process on the first line, "ready" on the eighth once connections are accepted. */
export async function postmasterStatus(data: string): Promise<{ pid?: number; ready: boolean }> {
  const text = await readFile(pidFile(data), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return { ready: false };
  return { pid, ready: lines[7]?.trim() === "ready" };
}

/**
 * Stops a server that outlived the process that started it, because it has an old port and old settings. Servers in
 * other PID namespaces are not visible here; the lock on the folder of the cluster (server-process.ts) excludes them.
 */
export async function stopOrphan(data: string): Promise<void> {
  const { pid } = await postmasterStatus(data);
  if (pid === undefined) return;
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    if (servesCluster(pid, data)) process.kill(pid, signal);
    if (await ends(pid, data)) {
      // PostgreSQL refuses to start if another process has that pid now.
      if (process.platform === "linux") await rm(pidFile(data), { force: true });
      return;
    }
  }
  throw new AppError(
    "unavailable",
    `A PostgreSQL server (process ${pid}) left over from an earlier run does not stop. Stop it with: kill -9 ${pid}`,
  );
}

async function ends(pid: number, data: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < STOP_MS_MAX; waitedMs += POLL_MS) {
    if (!servesCluster(pid, data)) return true;
    await delay(POLL_MS);
  }
  return false;
}

/**
 * The working directory of PostgreSQL is the folder of its cluster, unlike that of another process with the same pid.
 */
export function servesCluster(pid: number, data: string): boolean {
  if (!hasOwnProc()) return false;
  try {
    const [folder, cluster] = [statSync(`/proc/${pid}/cwd`), statSync(data)];
    return folder.dev === cluster.dev && folder.ino === cluster.ino;
  } catch {
    return false;
  }
}

const pidFile = (data: string): string => path.join(data, "postmaster.pid");
