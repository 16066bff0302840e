import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { errorCode } from "#platform/errors.ts";
import { ownIdentity } from "#platform/lease/process-identity.ts";

/** The folder of proc(5), or one that does not exist: then ps(1) is asked. */
export const NO_PROC = "/nonexistent";
export const PROC = process.platform === "linux" ? "/proc" : NO_PROC;
const PS = "/bin/ps";
const PS_MS_MAX = 5_000;

/** Which start of the machine, and which PID namespace, pids belong to. Without spaces. */
export function bootOf({ bootId, pidNamespace, host } = ownIdentity()): string {
  return `${bootId || host}/${pidNamespace}`.replaceAll(/\s/g, "_");
}

/**
 * When a process was started, as text that differs between processes that had the same pid. Undefined if there is no such
 * process, or if it has ended and nobody has waited for it.
 */
export function startOf(pid: number, proc = PROC): string | undefined {
  return proc === NO_PROC ? startInPs(pid) : startInProc(pid);
}

/** State and start time (clock ticks since boot) are the fields 3 and 22 of /proc/<pid>/stat. */
function startInStat(stat: string): { state: string; start: string } {
  // They follow the name of the program in parentheses, which may contain any characters.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", start: (fields[19] ?? "").trim() };
}

function startInProc(pid: number): string | undefined {
  try {
    const { state, start } = startInStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    return state === "Z" || state === "X" ? undefined : start;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return undefined;
    throw error;
  }
}

function startInPs(pid: number): string | undefined {
  try {
    const args = ["-o", "stat=,lstart=", "-p", String(pid)];
    const [stat = "", ...start] = execFileSync(PS, args, {
      timeout: PS_MS_MAX,
      env: { NODE_ENV: process.env.NODE_ENV, LC_ALL: "C", TZ: "UTC" },
    })
      .toString()
      .trim()
      .split(/\s+/);
    return stat === "" || stat.startsWith("Z") ? undefined : start.join("_");
  } catch {
    return undefined; // ps exits with 1 if there is no such process.
  }
}
