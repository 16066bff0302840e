const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** At which steps a series is forecast, from how much history, and how far each forecast of the past reaches. */
export type Grid = {
  stepMs: number;
  /** The past is forecast in windows of this width, each from the data before it. */
  windowMs: number;
  historyMs: number;
  /** In steps: a day and a week, where they are at least four steps. */
  seasonalities: readonly number[];
};

/**
 * The grid for a step that a reader asks for. A forecast is made at the step at which it is drawn: the band of an
 * average over five minutes is too narrow for single minutes.
 */
export function gridFor(stepAskedMs: number): Grid {
  const stepMs = Math.max(stepAskedMs, MINUTE_MS);
  const isFine = stepMs < 5 * MINUTE_MS;
  return {
    stepMs,
    windowMs: isFine ? 6 * HOUR_MS : stepMs < 3 * HOUR_MS ? DAY_MS : 7 * DAY_MS,
    historyMs: isFine ? 14 * DAY_MS : stepMs < HOUR_MS ? 28 * DAY_MS : 56 * DAY_MS,
    seasonalities: [DAY_MS / stepMs, (7 * DAY_MS) / stepMs].filter((steps) => steps >= 4),
  };
}
