/**
 * The rollup: counts of a minute and of an hour, kept beside the events. A cell is one number, or one sketch, of one
 * measure (pipeline/measures/); increments of the same cell merge: values add up, sketches merge by their kind.
 */
export const ROLLUP_LEVELS_S = [60, 3600] as const;
export type RollupLevelS = (typeof ROLLUP_LEVELS_S)[number];

export type RollupCell = {
  levelS: RollupLevelS;
  /** Start of the minute or hour, epoch seconds. */
  t: number;
  dataset: string;
  /** The measure's name for these cells, such as `requests`. */
  measure: string;
  /** What the measure keeps apart, such as the status; empty where it keeps nothing apart. */
  key: string;
  value: number;
  sketch?: Uint8Array;
};
