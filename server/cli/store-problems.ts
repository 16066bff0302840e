import type { StoreStatus } from "#pipeline/store/port.ts";
import { printable } from "#platform/terminal.ts";

import { problemsOfStore } from "../problems/find-problems.ts";

/** Prints what is wrong with the stored data, and what to do, to stderr. */
export function printStoreProblems(status: Pick<StoreStatus, "problems" | "holes">): void {
  for (const { level, message, action } of problemsOfStore(status)) {
    process.stderr.write(`${level}: ${printable(message)}\n  ${printable(action)}\n`);
  }
}
