import type { HealthCheck, HealthStatus } from "../shapes.ts";

const DEFAULTS = { intervalS: 30, timeoutS: 5, retries: 3, startPeriodS: 0 };
/** Until the first success a check is repeated more often, so that a task that is ready is soon known to be. */
const FIRST_INTERVAL_S = 1;

/** The results of the health check of one container so far. */
export type HealthTrack = {
  startedAtMs: number;
  status: HealthStatus;
  /** Of the last check, for people; undefined if it passed. */
  problem: string | undefined;
  /** Failures in a row that count. */
  failures: number;
  countedAtMs: number;
  nextAtMs: number;
};

export type HealthTimes = {
  intervalMs: number;
  timeoutMs: number;
  retries: number;
  startPeriodMs: number;
  firstIntervalMs: number;
};

export function healthTimes(check: HealthCheck, secondMs: number): HealthTimes {
  const intervalMs = (check.interval ?? DEFAULTS.intervalS) * secondMs;
  return {
    intervalMs,
    timeoutMs: (check.timeout ?? DEFAULTS.timeoutS) * secondMs,
    retries: check.retries ?? DEFAULTS.retries,
    startPeriodMs: (check.startPeriod ?? DEFAULTS.startPeriodS) * secondMs,
    firstIntervalMs: Math.min(intervalMs, FIRST_INTERVAL_S * secondMs),
  };
}

export const newTrack = (nowMs: number): HealthTrack => ({
  startedAtMs: nowMs,
  status: "UNKNOWN",
  problem: undefined,
  failures: 0,
  countedAtMs: nowMs,
  nextAtMs: nowMs,
});

/**
 * The track after a result. A failure counts if it is an interval after the start and after the last one that counted, and
 * the start period is over or a check has succeeded; so repeating more often at first makes no container unhealthy earlier.
 */
export function addResult(
  track: HealthTrack,
  { problem, nowMs, times }: Pick<HealthTrack, "problem"> & { nowMs: number; times: HealthTimes },
): HealthTrack {
  if (problem === undefined) {
    return {
      ...track,
      problem,
      status: "HEALTHY",
      failures: 0,
      countedAtMs: nowMs,
      nextAtMs: nowMs + times.intervalMs,
    };
  }
  const hasSucceeded = track.status !== "UNKNOWN";
  const nextAtMs = nowMs + (hasSucceeded ? times.intervalMs : times.firstIntervalMs);
  const isStarting = !hasSucceeded && nowMs < track.startedAtMs + times.startPeriodMs;
  if (isStarting || nowMs < track.countedAtMs + times.intervalMs)
    return { ...track, problem, nextAtMs };
  const failures = track.failures + 1;
  const status = failures >= times.retries ? "UNHEALTHY" : track.status;
  return { ...track, problem, status, failures, countedAtMs: nowMs, nextAtMs };
}
