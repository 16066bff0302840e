import type { Drivers } from "#deployer/drivers.ts";
import { Deployer } from "#deployer/engine/deployer.ts";
import { PACE } from "#deployer/engine/observer.ts";
import { systemTimer } from "#deployer/engine/timer.ts";
import { openJournal } from "#deployer/journal/open-journal.ts";
import type { Journal } from "#deployer/journal/port.ts";
import { simpleJudge } from "#deployer/machine/judge.ts";
import { LIMITS } from "#deployer/machine/limits.ts";

export const WORKLOAD = "web";
export const SLOTS = 4;

const limits = { ...LIMITS, fleetLagMs: 500, fleetRetryMs: 1_000, settleMs: 200 };
/** Latencies of a busy machine say nothing. */
const judge = simpleJudge({
  errorFactor: 2,
  errorDifference: 0.005,
  latencyFactor: 1.5,
  latencyDifferenceMs: 10_000,
  guardErrorRatio: 0.5,
  guardRequests: 20,
});

export type Controller = { deployer: Deployer; journal: Journal; close(): Promise<void> };

/** A controller that continues from the journal of the one before. @throws Error while that one runs */
export async function openController(dataFolder: string, drivers: Drivers): Promise<Controller> {
  const journal = await openJournal({ dataFolder, databaseUrl: undefined });
  if (journal === undefined) throw new Error("another controller has the journal");
  const deployer = await Deployer.open({
    journal,
    drivers,
    timer: systemTimer,
    limits,
    pace: { ...PACE, activeMs: 100, idleMs: 300 },
    judge,
    workloads: [{ name: WORKLOAD, slotsPerColour: SLOTS }],
  });
  const close = async (): Promise<void> => {
    deployer.close();
    await journal[Symbol.asyncDispose]();
  };
  return { deployer, journal, close };
}
