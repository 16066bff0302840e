/**
 * The rollup: counts per minute and hour, stored beside the events. A cell is one number, or one sketch, of one
 * measure (pipeline/measures/). Increments of a cell can be merged: values are added, sketches merge by their kind.
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
  /** The value by which the measure is split, such as the status; empty if it is not split. */
  key: string;
  value: number;
  sketch?: Uint8Array;
};
