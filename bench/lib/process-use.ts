import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** CPU time in clock ticks of 10 ms, as Linux counts it for programs. */
const TICKS_PER_S = 100;

/** Of several processes together. */
export function useOfAll(pids: readonly number[]): ProcessUse {
  const uses = pids.map((pid) => useOf({ pid }));
  return {
    cpuS: uses.reduce((sum, { cpuS }) => sum + cpuS, 0),
    rssMbPeak: uses.reduce((sum, { rssMbPeak }) => sum + rssMbPeak, 0),
  };
}

/** User and system time of a process, and its largest resident set. */
export type ProcessUse = { cpuS: number; rssMbPeak: number };

export function useOf({ pid }: Pick<ChildProcess, "pid">): ProcessUse {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssMbPeak = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_000;
  return { cpuS: ticks / TICKS_PER_S, rssMbPeak };
}
