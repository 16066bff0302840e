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

export type NameLimit = {
  /** Maximum number of names in each minute or hour of a dataset with the same prefix. */
  namesMax: number;
  /** Number of characters of a key before its name. */
  prefixLength: number;
};

/**
 * The measures whose keys have names from logs, of which there may be any number: the heaviest names have cells, and
 * the others are counted under the name OTHER (sketches/heavy-hitters.ts), in batches and in merged files.
 */
export const NAME_LIMITS: ReadonlyMap<string, NameLimit> = new Map([
  ["route", { namesMax: 4096, prefixLength: 4 }],
  ["instance", { namesMax: 1000, prefixLength: 0 }],
  ["events", { namesMax: 100, prefixLength: 0 }],
]);
