import type { Board, LiveFrame } from "../api.ts";

type Series = Board["errorRatio"];
type Second = LiveFrame["seconds"][number];

/** Data pushed since a board was loaded, limited to the seconds that its steps still need. */
export type LiveHistory = {
  board: Board;
  seconds: Map<number, Second>;
  /** Metrics that frames carry as current values: the latest value per step. */
  samples: Map<number, Sample>;
};

type Sample = Pick<LiveFrame, "responseTimeMs" | "usersConnected"> & { instances: number };

const SECOND_MS = 1000;
/** Frames carry the response time of the last minute and the users of the last five; longer steps cannot use them. */
const MINUTE_MS = 60 * SECOND_MS;
const USERS_MS = 5 * MINUTE_MS;
export function openHistory(board: Board): LiveHistory {
  return { board, seconds: new Map(), samples: new Map() };
}

/** Adds a frame. Seconds carry absolute values, so that a second that is pushed again replaces the former. */
export function addFrame(history: LiveHistory, frame: LiveFrame): void {
  const { board, seconds, samples } = history;
  if (frame.dataset !== board.dataset) return;
  const windowMs = board.toMs - board.fromMs + 2 * board.stepMs;
  for (const second of frame.seconds) seconds.set(second.tMs, second);
  deleteBefore(seconds, frame.atMs - windowMs);
  const { responseTimeMs, usersConnected, instances } = frame;
  samples.set(stepOf(board, frame.atMs), {
    responseTimeMs,
    usersConnected,
    instances: instances.length,
  });
  deleteBefore(samples, frame.atMs - windowMs);
}

/** The board at `nowMs`: loaded steps followed by pushed ones, in a window of the same length. */
export function liveBoard(history: LiveHistory, nowMs: number): Board {
  const { board, samples } = history;
  const toMs = Math.max(board.toMs, nowMs);
  const fromMs = toMs - (board.toMs - board.fromMs);
  const steps = pushedSteps(history, nowMs);
  const covered = steps.filter((step) => isCovered(step, board.stepMs));
  const merged = (loaded: Series, pushed: Series): Series =>
    mergeSeries(loaded, pushed, fromMs - board.stepMs);
  const sampled = (pick: (sample: Sample) => number | null): Series =>
    [...samples].map(([tMs, sample]) => [tMs, pick(sample)]);
  const minutely = (pick: (sample: Sample) => number | null): Series =>
    board.stepMs <= MINUTE_MS ? sampled(pick) : [];
  const users = board.stepMs <= USERS_MS ? sampled((sample) => sample.usersConnected) : [];
  const { p50, p95, p99 } = board.responseTimeMs;
  return {
    ...board,
    fromMs,
    toMs,
    requestsPerSecond: merged(
      board.requestsPerSecond,
      covered.map((step) => [step.tMs, (step.requests * SECOND_MS) / step.coveredMs]),
    ),
    errorRatio: merged(
      board.errorRatio,
      covered.map((step) => [step.tMs, step.requests > 0 ? step.errors / step.requests : null]),
    ),
    responseTimeMs: {
      p50: merged(
        p50,
        minutely((sample) => sample.responseTimeMs.p50),
      ),
      p95: merged(
        p95,
        minutely((sample) => sample.responseTimeMs.p95),
      ),
      p99: merged(
        p99,
        minutely((sample) => sample.responseTimeMs.p99),
      ),
    },
    usersConnected: merged(board.usersConnected, users),
    instances: {
      ...board.instances,
      series: merged(
        board.instances.series,
        sampled((sample) => sample.instances),
      ),
    },
    signIns: merged(
      board.signIns,
      counts(board.signIns, steps, (step) => step.signIns),
    ),
    signOuts: merged(
      board.signOuts,
      counts(board.signOuts, steps, (step) => step.signOuts),
    ),
  };
}

type Step = Omit<Second, "tMs"> & { tMs: number; coveredMs: number; whole: boolean };

/**
 * Every step since the board was loaded, with the sums of its pushed seconds. A step without any is zero: frames
 * arrived without data for it. The first step began before the board was loaded.
 */
function pushedSteps({ board, seconds }: LiveHistory, nowMs: number): Step[] {
  const { atMs, stepMs } = board;
  const sinceMs = Math.floor(atMs / SECOND_MS) * SECOND_MS;
  const steps = new Map<number, Step>();
  for (let tMs = stepOf(board, sinceMs); tMs < nowMs; tMs += stepMs) {
    const coveredMs = Math.min(tMs + stepMs, nowMs) - Math.max(tMs, sinceMs);
    const none = { requests: 0, errors: 0, signIns: 0, signOuts: 0 };
    steps.set(tMs, { tMs, coveredMs, whole: tMs >= sinceMs, ...none });
  }
  for (const second of seconds.values()) {
    const step = steps.get(stepOf(board, second.tMs));
    if (!step || second.tMs < sinceMs) continue;
    step.requests += second.requests;
    step.errors += second.errors;
    step.signIns += second.signIns;
    step.signOuts += second.signOuts;
  }
  return [...steps.values()];
}

/** Rates and ratios of a partial step are shown only where none was loaded. */
function isCovered(step: Step, stepMs: number): boolean {
  return step.coveredMs >= (step.whole ? Math.min(stepMs, 2 * SECOND_MS) : stepMs / 2);
}

/** Counts of the first step add to the loaded ones; later steps are complete in the pushed data. */
function counts(loaded: Series, steps: readonly Step[], pick: (step: Step) => number): Series {
  const before = new Map(loaded);
  return steps.map((step) => [
    step.tMs,
    pick(step) + (step.whole ? 0 : (before.get(step.tMs) ?? 0)),
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
