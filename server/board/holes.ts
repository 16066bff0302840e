import type { TimeRange } from "#pipeline/filter.ts";
import type { Hole } from "#pipeline/store/port.ts";

type Chart = { range: TimeRange; stepMs: number; dataset?: string | undefined };

/**
 * The holes that affect a chart, of one dataset or of all: widened to whole steps, because each of its points is a step,
 * and joined, so that there are at most as many as points.
 */
export function holesIn(holes: readonly Hole[], { range, stepMs, dataset }: Chart): Hole[] {
  const isPart = (hole: Hole): boolean =>
    hole.fromMs < range.toMs &&
    hole.toMs >= range.fromMs &&
    (dataset === undefined || hole.dataset === undefined || hole.dataset === dataset);
  const whole = holes.filter(isPart).map((hole): Hole => {
    const fromMs = Math.floor(hole.fromMs / stepMs) * stepMs;
    return { ...hole, fromMs, toMs: (Math.floor(hole.toMs / stepMs) + 1) * stepMs };
  });
  const joined: Hole[] = [];
  for (const hole of whole.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last && hole.fromMs <= last.toMs) joined[joined.length - 1] = join(last, hole);
    else joined.push(hole);
  }
  return joined;
}

function join(one: Hole, other: Hole): Hole {
  const { dataset, ...rest } = one;
  return {
    ...rest,
    ...(dataset !== undefined && dataset === other.dataset ? { dataset } : {}),
    toMs: Math.max(one.toMs, other.toMs),
    events: one.events + other.events,
  };
}
