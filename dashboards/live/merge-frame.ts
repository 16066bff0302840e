import type { Board, LiveFrame } from "../api.ts";

type Series = Board["series"][string];
type Second = LiveFrame["seconds"][number];

type Step = { tMs: number; coveredMs: number; whole: boolean; counts: Second };

/** Data pushed since a board was loaded, limited to the seconds that its steps still need. */
export type LiveHistory = {
  board: Board;
  seconds: Map<number, Second>;
  /** Metrics with current values in frames; a step has the latest value. */
  samples: Map<number, LiveFrame["metrics"]>;
};

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Frames measure these over other windows than a minute; the value of a longer step than this differs. */
const SAMPLED_STEP_MS_MAX: Readonly<Record<string, number>> = {
  users_connected: 5 * MINUTE_MS,
  instances_running: Number.POSITIVE_INFINITY,
};
/** Metrics computed from the counts of a step. */
const FROM_COUNTS: Readonly<Record<string, (step: Step) => number | null>> = {
  requests_per_second: ({ counts, coveredMs }) =>
    (countOf(counts, "requests") * SECOND_MS) / coveredMs,
  error_ratio: ({ counts }) => shareOfRequests(counts, "errors"),
  client_error_ratio: ({ counts }) => shareOfRequests(counts, "client_errors"),
};

function shareOfRequests(counts: Second, name: string): number | null {
  const requests = countOf(counts, "requests");
  return requests > 0 ? countOf(counts, name) / requests : null;
}

export function openHistory(board: Board): LiveHistory {
  return { board, seconds: new Map(), samples: new Map() };
}

/** Adds a frame. Seconds have absolute values, so a second that is pushed again replaces the earlier one. */
export function addFrame(history: LiveHistory, frame: LiveFrame): void {
  const { board, seconds, samples } = history;
  if (frame.dataset !== board.dataset) return;
  const windowMs = board.toMs - board.fromMs + 2 * board.stepMs;
  for (const second of frame.seconds) seconds.set(second.tMs, second);
  deleteBefore(seconds, frame.atMs - windowMs);
  samples.set(stepOf(board, frame.atMs), frame.metrics);
  deleteBefore(samples, frame.atMs - windowMs);
}

/** The board at `nowMs`: loaded steps followed by pushed ones, in a window of the same length. */
export function liveBoard(history: LiveHistory, nowMs: number): Board {
  const { board } = history;
  const toMs = Math.max(board.toMs, nowMs);
  const fromMs = toMs - (board.toMs - board.fromMs);
  const steps = pushedSteps(history, nowMs);
  const series = Object.entries(board.series).map(([name, loaded]): [string, Series] => {
    const pushed = pushedSeries(history, { name, loaded, steps });
    return [name, mergeSeries(loaded, pushed, fromMs - board.stepMs)];
  });
  return { ...board, fromMs, toMs, series: Object.fromEntries(series) };
}

/** The points that frames add to the series of a metric; empty if frames do not have the metric. */
function pushedSeries(
  { board, samples }: LiveHistory,
  { name, loaded, steps }: { name: string; loaded: Series; steps: readonly Step[] },
): Series {
  const fromCounts = FROM_COUNTS[name];
  if (fromCounts) {
    const covered = steps.filter((step) => isCovered(step, board.stepMs));
    return covered.map((step) => [step.tMs, fromCounts(step)]);
  }
  if (board.counts.includes(name)) return countSeries(loaded, steps, name);
  if (board.stepMs > (SAMPLED_STEP_MS_MAX[name] ?? MINUTE_MS)) return [];
  return [...samples].map(([tMs, sample]) => [tMs, sample[name] ?? null]);
}

/**
 * Every step since the board was loaded, with the sums of its pushed seconds. A step without any is zero, because
 * frames arrived without data for it. The first step began before the board was loaded.
 */
function pushedSteps({ board, seconds }: LiveHistory, nowMs: number): Step[] {
  const { atMs, stepMs } = board;
  const sinceMs = Math.floor(atMs / SECOND_MS) * SECOND_MS;
  const steps = new Map<number, Step>();
  for (let tMs = stepOf(board, sinceMs); tMs < nowMs; tMs += stepMs) {
    const coveredMs = Math.min(tMs + stepMs, nowMs) - Math.max(tMs, sinceMs);
    steps.set(tMs, { tMs, coveredMs, whole: tMs >= sinceMs, counts: { tMs } });
  }
  for (const { tMs, ...counts } of seconds.values()) {
    const step = steps.get(stepOf(board, tMs));
    if (!step || tMs < sinceMs) continue;
    for (const [name, count] of Object.entries(counts)) {
      step.counts[name] = countOf(step.counts, name) + count;
    }
  }
  return [...steps.values()];
}

const countOf = (counts: Second, name: string): number => counts[name] ?? 0;

/** Rates and ratios of a partial step are shown only if none was loaded. */
function isCovered(step: Step, stepMs: number): boolean {
  return step.coveredMs >= (step.whole ? Math.min(stepMs, 2 * SECOND_MS) : stepMs / 2);
}

/** Counts of the first step add to the loaded ones; later steps are complete in the pushed data. */
function countSeries(loaded: Series, steps: readonly Step[], name: string): Series {
  const before = new Map(loaded);
  return steps.map(({ tMs, whole, counts }) => [
    tMs,
    countOf(counts, name) + (whole ? 0 : (before.get(tMs) ?? 0)),
  ]);
}

/** Pushed points replace loaded ones of the same step; a null never hides a loaded value. */
function mergeSeries(loaded: Series, pushed: Series, fromMs: number): Series {
  const points = new Map(loaded);
  for (const [tMs, value] of pushed) {
    if (value !== null || !points.has(tMs)) points.set(tMs, value);
  }
  return [...points].filter(([tMs]) => tMs >= fromMs).toSorted(([a], [b]) => a - b);
}

function stepOf(board: Board, tMs: number): number {
  return Math.floor(tMs / board.stepMs) * board.stepMs;
}

function deleteBefore(map: Map<number, unknown>, beforeMs: number): void {
  for (const tMs of map.keys()) if (tMs < beforeMs) map.delete(tMs);
}
