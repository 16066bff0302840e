/** Length of the live window, and how far ahead of this machine's clock a log may be, in seconds. */
export const LIVE_SECONDS = 3600;
export const AHEAD_SECONDS_MAX = 5;
/** Windows of live numbers: five minutes for visitors and routes, a minute for all others. */
export const MINUTE_WINDOW_S = 60;
export const FIVE_MINUTES_S = 300;

/** Increments of one live measure: typed arrays, so that structured clone is cheap. */
export type LivePart = { numbers: Uint32Array | Float64Array; names?: readonly string[] };

/**
 * The bounds of names in live numbers: in each granule of seconds the heaviest `namesMax` names are counted, the others
 * together as OTHER (sketches/heavy-hitters.ts).
 */
export type NameWindow = { namesMax: number; granuleS: number };

/** Increments of the live seconds of a dataset. Deltas can be added in any order. */
export type FrameDelta = {
  dataset: string;
  /** Epoch ms of the newest event's second. */
  newestEventMs: number;
  /** Start of each second with rows, epoch seconds. Parts refer to a second by its index here. */
  seconds: Uint32Array;
  /** Parts, by the name of their measure. */
  parts: Readonly<Record<string, LivePart>>;
};

/** The recent values of a measure of a dataset, in memory that does not depend on the rate. */
export interface LiveState<T> {
  /** Adds the part of a delta; seconds that are too old or too far ahead are skipped. */
  merge(part: LivePart, seconds: Uint32Array, nowS: number): void;
  /** The counts of the window that ends now. */
  counted(nowS: number): T;
  /** Adds a stored sketch from before this process started. */
  mergeSketch?(sketch: Uint8Array, at: { second: number; nowS: number }): void;
}

/** The last second that is live now; later ones in a window are from before the clock was set back. */
export const lastLiveSecond = (nowS: number): number => nowS + AHEAD_SECONDS_MAX;

/** Whether a second is in the window that ends now. */
export function isInWindow(second: number, nowS: number, windowS: number): boolean {
  return second >= nowS - windowS && second <= lastLiveSecond(nowS);
}
