import { setTimeout as delay } from "node:timers/promises";

import type { FleetDriver, FleetView, OneOff, Task } from "../drivers.ts";

export type VerifyLimits = {
  /** Passes in a row that each task needs. */
  passes: number;
  pauseMs: number;
  requestMsMax: number;
  /** How long a task may fail before the verification fails. */
  failsMsMax: number;
};
export const VERIFY: VerifyLimits = {
  passes: 3,
  pauseMs: 200,
  requestMsMax: 2_000,
  failsMsMax: 20_000,
};

export type VerifyDeps = {
  fleet: Pick<FleetDriver, "read">;
  /** The path that load balancers check. */
  checkPathOf(workload: string): string;
  limits: VerifyLimits;
};

/**
 * Asks each new task directly for its health and its release.
 * @throws Error with the task and what it answered
 */
export async function verify(
  { workload, colour, release }: OneOff,
  { fleet, checkPathOf, limits }: VerifyDeps,
): Promise<void> {
  const { tasks } = (await readPatiently(fleet, workload, limits))[colour];
  const own = tasks.filter((it) => it.release === release && it.status === "running");
  if (own.length === 0) throw new Error(`no task of ${release} runs`);
  const path = checkPathOf(workload);
  await Promise.all(own.map((task) => verifyTask(task, path, limits)));
}

/** That the fleet throttles or is busy says nothing about the release. @throws Error if it does so for too long */
async function readPatiently(
  fleet: VerifyDeps["fleet"],
  workload: string,
  { failsMsMax, pauseMs }: VerifyLimits,
): Promise<FleetView> {
  for (const untilMs = performance.now() + failsMsMax; ;) {
    try {
      return await fleet.read(workload);
    } catch (error) {
      if (performance.now() >= untilMs) throw error;
      await delay(pauseMs);
    }
  }
}

async function verifyTask(task: Task, path: string, limits: VerifyLimits): Promise<void> {
  const untilMs = performance.now() + limits.failsMsMax;
  for (let passes = 0; passes < limits.passes;) {
    const problem = await problemOf(task, path, limits.requestMsMax);
    passes = problem === undefined ? passes + 1 : 0;
    const isLate = performance.now() >= untilMs;
    if (problem !== undefined && (problem.isFinal || isLate)) throw new Error(problem.text);
    await delay(limits.pauseMs);
  }
}

/** `isFinal`: it does not end by itself. */
type Problem = { text: string; isFinal: boolean };
const passing = (text: string): Problem => ({ text, isFinal: false });
const final = (text: string): Problem => ({ text, isFinal: true });

async function problemOf(
  { address, release }: Task,
  path: string,
  msMax: number,
): Promise<Problem | undefined> {
  try {
    const response = await fetch(`http://${address}${path}`, {
      signal: AbortSignal.timeout(msMax),
    });
    await response.body?.cancel();
    if (response.status !== 200)
      return passing(`${address} answered ${response.status} to ${path}`);
    const got = response.headers.get("x-release");
    if (got === null) return final(`${address} answered ${path} without the header x-release`);
    return got === release ? undefined : final(`${address} runs ${got}, not ${release}`);
  } catch (error) {
    return passing(`${address} does not answer ${path}: ${causeOf(error)}`);
  }
}

/** What is behind "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
