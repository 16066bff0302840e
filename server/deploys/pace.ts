import { PACE, type Pace } from "#deployer/engine/observer.ts";
import { FLEET_CALL_MS_MAX } from "#deployer/fleet/colour-fleet.ts";
import { JUDGE_LIMITS, type JudgeLimits } from "#deployer/machine/judge.ts";
import { LIMITS, type Limits } from "#deployer/machine/limits.ts";
import { STRATEGY, type Strategy } from "#deployer/machine/strategy.ts";

/** How fast deploys go on a fleet, and how they are judged unless a request says otherwise. */
export type FleetPace = {
  /** How long reading or changing the tasks of a workload may take. */
  callMsMax: number;
  observe: Pace;
  limits: Limits;
  judge: JudgeLimits;
  strategy: Strategy;
};

const SECOND = 1_000;

/** Processes of this machine start, are checked and stop sooner than containers elsewhere. */
export const LOCAL_LIMITS: Limits = {
  ...LIMITS,
  // Longer than a call.
  fleetLagMs: 4 * SECOND,
  fleetRetryMs: 3 * SECOND,
  preflightMsMax: 20 * SECOND,
  preflightRetryMs: 5 * SECOND,
  provisionMsMax: 150 * SECOND,
  verifyMsMax: 60 * SECOND,
  admitMsMax: 30 * SECOND,
  warmUpMsMax: 60 * SECOND,
  closeOverMs: 5 * SECOND,
  drainSlackMs: 20 * SECOND,
};

/** Tasks that start take the CPU from those that serve, so that single latencies say little. */
const LOCAL_JUDGE: JudgeLimits = { ...JUDGE_LIMITS, latencyDifferenceMs: 500 };

/** A deploy on one machine takes about a minute. Few users are there to judge it by. */
export const LOCAL_STRATEGY: Strategy = {
  ...STRATEGY,
  analyseMs: 5 * SECOND,
  analyseMsMax: 60 * SECOND,
  requestsMin: 0,
  bakeMs: 10 * SECOND,
  drainMs: 10 * SECOND,
  contractAfterMs: 60 * SECOND,
};

export const LOCAL_PACE: FleetPace = {
  // It answers in milliseconds.
  callMsMax: 3 * SECOND,
  observe: PACE,
  limits: LOCAL_LIMITS,
  judge: LOCAL_JUDGE,
  strategy: LOCAL_STRATEGY,
};

export const ECS_PACE: FleetPace = {
  callMsMax: FLEET_CALL_MS_MAX,
  // Each read of a workload is about five requests, and an account may send about 20 in a second. The fleet ends its calls by itself: a
  // write that was given up here before would go on beside the next one.
  observe: {
    ...PACE,
    idleMs: 5 * SECOND,
    fleetReadMsMax: FLEET_CALL_MS_MAX + SECOND,
    fleetWriteMsMax: FLEET_CALL_MS_MAX + SECOND,
  },
  limits: LIMITS,
  judge: JUDGE_LIMITS,
  strategy: STRATEGY,
};
