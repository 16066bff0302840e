import type { TimeRange } from "#pipeline/filter.ts";
import { chooseStep } from "#pipeline/metrics/planner.ts";

const POINTS_MAX = 240;
const MINUTE_MS = 60_000;
const HALF_HOUR_MS = 30 * MINUTE_MS;

/** Width of a board's points: minutes at least, from half an hour on, as those are in the rollup. */
export function boardStep(range: TimeRange): number {
  const stepMs = chooseStep(range, POINTS_MAX);
  return range.toMs - range.fromMs < HALF_HOUR_MS ? stepMs : Math.max(stepMs, MINUTE_MS);
}
