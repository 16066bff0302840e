import { JUDGE_LIMITS, type JudgeLimits } from "#deployer/machine/judge.ts";
import { LIMITS, type Limits } from "#deployer/machine/limits.ts";
import { STRATEGY, type Strategy } from "#deployer/machine/strategy.ts";

const SECOND = 1_000;

/** The local fleet answers in milliseconds. */
export const LOCAL_CALL_MS_MAX = 3 * SECOND;

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
export const LOCAL_JUDGE: JudgeLimits = { ...JUDGE_LIMITS, latencyDifferenceMs: 500 };

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
