import { readFileSync } from "node:fs";

import { errorCode } from "./errors.ts";

/** The smallest default of the systems that Quarterdeck runs on. */
const UNKNOWN_MAX = 256;

/** How many files and sockets this process may have open. Node has raised the soft limit to the hard one. */
export function openFilesMax(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return Number(found?.[1] ?? UNKNOWN_MAX);
  } catch {
    return UNKNOWN_MAX; // Not Linux.
  }
}

/** Whether the process, or the system, has as many files open as it may: by the error, its text or its cause. */
export function lacksFiles(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  if (code === "EMFILE" || code === "ENFILE") return true;
  // Libraries have only the text of the operating system.
  return /too many open files/i.test(error.message) || lacksFiles(error.cause);
}
