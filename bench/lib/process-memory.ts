import { readFileSync } from "node:fs";

import { childrenOf, commandOf } from "../../tests/harness/processes.ts";

/** The memory of a process tree in bytes; pages that processes share count once, in parts. */
export type TreeMemory = { controlPlane: number; postgres: number };

export function memoryOfTree(pid: number): TreeMemory {
  const below = descendantsOf(pid);
  const postgres = below.filter((it) => commandOf(it).includes("postgres"));
  return {
    controlPlane: bytesOf(pid),
    postgres: postgres.reduce((sum, it) => sum + bytesOf(it), 0),
  };
}

function descendantsOf(pid: number): number[] {
  try {
    return childrenOf({ pid }).flatMap((child) => [child, ...descendantsOf(child)]);
  } catch {
    return []; // It has exited.
  }
}

function bytesOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** The least-squares line through the values: its first and last value. */
export function trendOf(values: readonly number[]): { first: number; last: number } {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let above = 0;
  let below = 0;
  for (const [index, value] of values.entries()) {
    above += (index - middle) * (value - mean);
    below += (index - middle) ** 2;
  }
  const slope = below === 0 ? 0 : above / below;
  return { first: mean - slope * middle, last: mean + slope * middle };
}
