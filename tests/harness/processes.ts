import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

type Pid = Pick<ChildProcess, "pid">;

/** Running processes that a process has started. */
export function childrenOf({ pid }: Pid): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** The worker processes of domain APIs that a process has started. */
export const workersOf = (parent: Pid): number[] =>
  childrenOf(parent).filter((pid) => commandOf(pid).includes("apis/worker.ts"));

/** The command line of a process; empty if it has exited. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Whether the process has not ended; a zombie has. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Running processes, except one, whose command line contains the folder. */
export const processesIn = (folder: string, { pid }: Pid): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((it) => it > 0 && it !== pid && commandOf(it).includes(folder) && isRunning(it));
