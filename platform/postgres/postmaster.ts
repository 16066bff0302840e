import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { type ProcessMark, isAlive } from "./process-mark.ts";

export const POLL_MS = 20;

/** What postmaster.pid says: the process on the first line, "ready" on the eighth once connections are accepted. */
export async function postmasterStatus(data: string): Promise<{ pid?: number; ready: boolean }> {
  const text = await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return { ready: false };
  return { pid, ready: lines[7]?.trim() === "ready" };
}

export async function ends(mark: ProcessMark, msMax: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < msMax; waitedMs += POLL_MS) {
    if (!isAlive(mark)) return true;
    await delay(POLL_MS);
  }
  return !isAlive(mark);
}

export function isPostgres(pid: number): boolean {
  try {
    const [program] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return program?.endsWith("/postgres") === true;
  } catch {
    return false;
  }
}
