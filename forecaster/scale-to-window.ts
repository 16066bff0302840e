import type { TimeRange } from "#pipeline/filter.ts";

import type { Forecast } from "./forecast.ts";

const LEVEL = 95;

/**
 * The sum that a forecast expects within the window, with its 95 % interval: the sum over the whole horizon, scaled by
 * the part of the mean in the window. Null if the forecast has no 95 % interval.
 */
export function scaleToWindow(
  { sum, mean, startMs, stepMs }: Pick<Forecast, "sum" | "mean" | "startMs" | "stepMs">,
  { fromMs, toMs }: TimeRange,
): { mean: number; lower: number; upper: number } | null {
  const interval = sum.intervals.find(({ level }) => level === LEVEL);
  if (!interval) return null;
  const inWindow = mean.reduce((total, value, i) => {
    const start = startMs + i * stepMs;
    const overlapMs = Math.min(start + stepMs, toMs) - Math.max(start, fromMs);
    return total + value * Math.max(0, overlapMs / stepMs);
  }, 0);
  const scale = sum.mean > 0 ? inWindow / sum.mean : (toMs - fromMs) / (mean.length * stepMs);
  return { mean: sum.mean * scale, lower: interval.lower * scale, upper: interval.upper * scale };
}
