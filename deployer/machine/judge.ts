import type { LaneCounts } from "../drivers.ts";
import type { Strategy } from "./strategy.ts";

/** What is known about a step when it is judged. */
export type Evidence = {
  /** The time for which both colours were counted, in ms. */
  elapsedMs: number;
  /** How long this step is watched at least. */
  msMin: number;
  strategy: Strategy;
  /** Whether the requests could be counted; without that both colours have none. */
  isMeasured: boolean;
  old: LaneCounts;
  new: LaneCounts;
  /** New tasks that serve on every node, and how many should. */
  healthy: number;
  wanted: number;
};

/** `wait`: not decided yet. */
type Judgement = { verdict: "wait" | "advance" | "hold" | "roll-back"; reason: string };

/** Decides about a step. Pure: the same evidence gives the same judgement. */
export type Judge = (evidence: Evidence) => Judgement;

/** The thresholds of the simple judge. */
export type JudgeLimits = {
  /** The error ratio may exceed the old one by this factor and this difference. */
  errorFactor: number;
  errorDifference: number;
  latencyFactor: number;
  latencyDifferenceMs: number;
  /** Without waiting for the end of the step: this error ratio, in this many requests. */
  guardErrorRatio: number;
  guardRequests: number;
};

export const JUDGE_LIMITS: JudgeLimits = {
  errorFactor: 2,
  errorDifference: 0.005,
  latencyFactor: 1.5,
  latencyDifferenceMs: 20,
  guardErrorRatio: 0.5,
  guardRequests: 20,
};

/** Compares health, error ratio and p95 of the new colour with the old one over the time of the step. */
export const simpleJudge =
  (limits: JudgeLimits = JUDGE_LIMITS): Judge =>
  (evidence) => {
    const { elapsedMs, msMin, strategy } = evidence;
    const lane = evidence.new;
    const guard = worse(errorRatio(lane), { than: limits.guardErrorRatio });
    if (lane.requests >= limits.guardRequests && guard) {
      return {
        verdict: "roll-back",
        reason: `${failed(lane)} to the new release failed, ${failed(evidence.old)} to the old one, in ${secondsText(elapsedMs)}.`,
      };
    }
    if (elapsedMs < msMin) return { verdict: "wait", reason: "The time of the step is not over." };
    if (evidence.healthy < evidence.wanted) return unhealthy(evidence);
    if (lane.requests < strategy.requestsMin) return inconclusive(evidence);
    const problem = compare(evidence, limits);
    return problem === undefined
      ? { verdict: "advance", reason: "Errors and latency are no worse than with the old release." }
      : { verdict: "roll-back", reason: problem };
  };

function unhealthy({ healthy, wanted, elapsedMs, msMin, strategy }: Evidence): Judgement {
  const reason = `Only ${healthy} of ${wanted} new tasks serve.`;
  return { verdict: elapsedMs < Math.max(msMin, strategy.analyseMsMax) ? "wait" : "hold", reason };
}

function inconclusive(evidence: Evidence): Judgement {
  const { elapsedMs, msMin, strategy, isMeasured, new: lane } = evidence;
  const reason = isMeasured
    ? `The new release got ${lane.requests} of the ${strategy.requestsMin} requests that a decision needs.`
    : "The traffic cannot be measured.";
  if (elapsedMs < Math.max(msMin, strategy.analyseMsMax)) return { verdict: "wait", reason };
  return { verdict: strategy.onInconclusive, reason };
}

function compare(evidence: Evidence, limits: JudgeLimits): string | undefined {
  // Without requests to the old release there is nothing to compare with, as at the first deploy.
  if (evidence.old.requests < Math.max(1, evidence.strategy.requestsMin)) return undefined;
  const [before, after] = [errorRatio(evidence.old), errorRatio(evidence.new)];
  const errorsMax = Math.max(before * limits.errorFactor, before + limits.errorDifference);
  if (worse(after, { than: errorsMax })) {
    return `${failed(evidence.new)} to the new release failed, ${failed(evidence.old)} to the old one, in ${secondsText(evidence.elapsedMs)}.`;
  }
  const [was, is] = [evidence.old.latencyMsP95, evidence.new.latencyMsP95];
  if (was === undefined || is === undefined) return undefined;
  const latencyMax = Math.max(was * limits.latencyFactor, was + limits.latencyDifferenceMs);
  return worse(is, { than: latencyMax })
    ? `The new release answers more slowly: the 95th percentile is ${Math.round(is)} ms, ${Math.round(was)} ms with the old release, in ${secondsText(evidence.elapsedMs)}.`
    : undefined;
}

const worse = (value: number, { than }: { than: number }): boolean => value > than;
const errorRatio = ({ requests, errors }: LaneCounts): number =>
  requests === 0 ? 0 : errors / requests;
/** "5.00 % of 20 requests" */
const failed = (lane: LaneCounts): string =>
  `${(100 * errorRatio(lane)).toFixed(2)} % of ${lane.requests} requests`;
const secondsText = (ms: number): string => `${Math.round(ms / 1_000)} s`;
