import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

import { z } from "zod";

import { errorCode } from "../errors.ts";

/**
 * Identifies a process across hosts and PID namespaces. A pid alone is not enough: another namespace may use the same
 * number for another process, and the numbers of ended processes are reused. Unknown values are empty.
 */
export const ProcessIdentity = z.object({
  host: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
  pid: z.int().positive(),
  startTime: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

type Proc = { state: string; startTime: string };

let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= {
    host: hostname(),
    bootId: textOf("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
    pidNamespace: linkOf("/proc/self/ns/pid") ?? "",
    pid: process.pid,
    startTime: procOf("self")?.startTime ?? "",
  };
  return own;
}

/** Unknown for a process that is not visible from here, and for this process, because the thread is not recorded. */
export function judgeProcess(process: ProcessIdentity): "alive" | "dead" | "unknown" {
  const here = ownIdentity();
  const isVisible =
    process.host === here.host &&
    process.bootId === here.bootId &&
    process.pidNamespace === here.pidNamespace;
  if (!isVisible) return "unknown";
  if (process.pid === here.pid) return process.startTime === here.startTime ? "unknown" : "dead";
  if (!exists(process.pid)) return "dead";
  if (!hasOwnProc()) return "unknown";
  const proc = procOf(String(process.pid));
  if (!proc) return "unknown";
  if (proc.state === "Z" || proc.state === "X") return "dead";
  return proc.startTime === process.startTime ? "alive" : "dead";
}

/** False without /proc, or if it shows another PID namespace. */
export function hasOwnProc(): boolean {
  return linkOf("/proc/self") === String(process.pid);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/** State and start time (clock ticks since boot) are the fields 3 and 22 of /proc/<pid>/stat. */
function procOf(pid: string): Proc | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // They follow the program name in parentheses, which may contain any characters.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
