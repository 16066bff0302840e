const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The step, history and window at which a series is forecast. */
export type Grid = {
  stepMs: number;
  /** A past range is forecast in windows of this width, each from the data before it. */
  windowMs: number;
  historyMs: number;
  /** A day and a week in steps, if they are at least four steps long. */
  seasonalities: readonly number[];
};

/**
 * The grid for a requested step. A forecast is computed at the step of the chart: a band computed for five-minute
 * averages would be too narrow for single minutes.
 */
export function gridFor(requestedStepMs: number): Grid {
  const stepMs = Math.max(requestedStepMs, MINUTE_MS);
  const isFine = stepMs < 5 * MINUTE_MS;
  return {
    stepMs,
    windowMs: isFine ? 6 * HOUR_MS : stepMs < 3 * HOUR_MS ? DAY_MS : 7 * DAY_MS,
    historyMs: isFine ? 14 * DAY_MS : stepMs < HOUR_MS ? 28 * DAY_MS : 56 * DAY_MS,
    seasonalities: [DAY_MS / stepMs, (7 * DAY_MS) / stepMs].filter((steps) => steps >= 4),
  };
}
