import { readFileSync } from "node:fs";

import { z } from "zod";

/** A process, told apart from a later one with the same number by when it began. */
export const ProcessMark = z.object({ pid: z.int().positive(), began: z.string() });
export type ProcessMark = z.infer<typeof ProcessMark>;

export function markOf(pid: number): ProcessMark | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!isPermission(error)) return undefined;
  }
  const began = beginningOf(pid);
  return began === undefined ? undefined : { pid, began };
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.began === mark.began;
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot; undefined for a process that has ended (zombie). */
function beginningOf(pid: number): string | undefined {
  if (process.platform !== "linux") return "unknown";
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return fields[0] === "Z" ? undefined : `${bootId}/${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}

const isPermission = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EPERM";
