import type { TimeRange } from "#pipeline/filter.ts";
import type { Hole } from "#pipeline/store/port.ts";

/** The holes that affect numbers over the range, of one dataset or of all. */
export const holesIn = (
  holes: readonly Hole[],
  { fromMs, toMs }: TimeRange,
  dataset?: string,
): Hole[] =>
  holes.filter(
    (hole) =>
      hole.fromMs < toMs &&
      hole.toMs > fromMs &&
      (dataset === undefined || hole.dataset === undefined || hole.dataset === dataset),
  );
