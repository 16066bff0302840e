import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

export type Measured = {
  exitCode: number;
  stdout: string;
  stderr: string;
  wallS: number;
  /** User and system time of the process and of the children that it waited for. */
  cpuS: number;
  /** Largest sum of the resident sets of the process and its children, sampled; 0 where there is no /proc. */
  rssBytesPeak: number;
};

const SAMPLE_MS = 20;
const TIMES = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/;

/** Runs a command and measures all of its processes. `input` is a file for its standard input. */
export async function measure(command: readonly string[], input?: string): Promise<Measured> {
  const feed = input === undefined ? "" : 'in=$1; shift; cat "$in" | ';
  // `times` is POSIX: the CPU time of the shell's ended children and their descendants.
  const script = `${feed}"$@"; s=$?; times >&2; exit $s`;
  const args = ["-c", script, "sh", ...(input === undefined ? [] : [input]), ...command];
  const startMs = performance.now();
  const child = spawn("/bin/sh", args, { stdio: ["ignore", "pipe", "pipe"] });
  let rssBytesPeak = 0;
  const sampling = setInterval(() => {
    rssBytesPeak = Math.max(rssBytesPeak, child.pid ? rssOfTree(child.pid) : 0);
  }, SAMPLE_MS);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  clearInterval(sampling);
  const wallS = (performance.now() - startMs) / 1000;
  const [, userMin, userS, systemMin, systemS] = TIMES.exec(stderr)?.map(Number) ?? [];
  const cpuS = 60 * ((userMin ?? NaN) + (systemMin ?? NaN)) + (userS ?? NaN) + (systemS ?? NaN);
  return { exitCode: Number(exitCode), stdout, stderr, wallS, cpuS, rssBytesPeak };
}

function rssOfTree(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const below = children.filter(Boolean).map((child) => rssOfTree(Number(child)));
    return Number(kb ?? 0) * 1024 + below.reduce((sum, bytes) => sum + bytes, 0);
  } catch {
    return 0; // The process has exited, or this is not Linux.
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
