import type { Batch } from "#collectors/batch.ts";

import type { Filter } from "../filter.ts";
import type { LiveSlots } from "../fold/live-slots.ts";
import type { RowBlock } from "../fold/row-block.ts";
import type { Span } from "../fold/spans.ts";
import type { LivePart, LiveState } from "../live/live-part.ts";
import type { MetricAnswer } from "../metrics/query.ts";
import type { RollupCell, RollupLevelS } from "../rollup.ts";
import type { Aggregate, AggregateRow, MergedCell } from "../store/port.ts";

/** Counts of a time range. Ranges merge; ratios and quantiles are computed after that. */
export interface Accumulator {
  /** The amount that was counted, by which the series of a split are ordered. */
  readonly size: number;
  merge(other: this): void;
}

/** Rollup cells that a measure can be read from. */
export type CellSource<T> = {
  /** `RollupCell.measure` of these cells. */
  measure: string;
  /** Coarsest first. */
  levels: readonly RollupLevelS[];
  /** The field in the keys of the cells, so that conditions on it and splits by it can be answered. */
  field?: string;
  /** The field's value in a key. Default: the key. */
  fieldValue?(key: string): string;
  add(into: T, cell: MergedCell): void;
};

/** One request to the store. */
export type RawAggregate<T> = {
  aggregate: Aggregate;
  where: Filter;
  /** A split that the measure itself needs, so that it cannot be split by another field. */
  by?: { field: string; limit: number };
  add(into: T, row: AggregateRow): void;
};

/**
 * Folds the rows of a batch into cells and live parts. Called for each block: first `add`, then `addLive` if some of
 * its rows are live.
 */
export type RowFold = {
  /** Name of its live part. */
  readonly name: string;
  /** Reads columns and dictionary entries that were written since the last call. */
  prepare?(): void;
  add?(block: RowBlock): void;
  addLive?(block: RowBlock, nowS: number): void;
  /** The cells of all rows since the last call, as increments. */
  takeCells?(spans: readonly Span[]): RollupCell[];
  /** The live parts of all rows since the last call, by the index of the dataset. */
  takeLive?(slots: LiveSlots): LivePart[];
  /** To be called after the batch was reset, which invalidates its dictionary numbers. */
  reset?(): void;
};

/**
 * A measure: how it is counted from rows, stored in rollup cells, read from cells and raw events, and shown live.
 * One file in this folder and one entry of its list (index.ts), which also brings its metrics into the catalogue.
 */
export type Measure<T extends Accumulator = Accumulator> = {
  readonly name: string;
  open(): T;
  /** The first one is used without a condition on, or split by, a field other than the dataset. */
  readonly cells: readonly [CellSource<T>, ...CellSource<T>[]];
  /**
   * Aggregates over the raw events of these datasets. They are disjoint: each event is counted by at most one of them.
   * `by` is the field of the query's split, if any.
   */
  raw(datasets: readonly string[], by: string | undefined): RawAggregate<T>[];
  /** Absent or empty if it is read from the cells of other measures. */
  readonly folds?: readonly ((batch: Batch) => RowFold)[];
  /** Absent if live frames do not have it. */
  readonly live?: () => LiveState<T>;
  /** A point covers at least this much time up to the end of its step, and counts of raw events do not merge. */
  readonly windowMs?: number;
  metrics(): readonly MeasuredMetric[];
};

export type MetricBase = {
  name: string;
  title: string;
  unit: MetricAnswer["unit"];
  /** How it is counted, in plain words for users. */
  meaning: string;
};

export type MeasuredMetric = MetricBase & {
  source: "measured";
  of: readonly Measure[];
  /** The value of `seconds` that were measured; null if there is none. `counted` has the order of `of`. */
  value(counted: readonly Accumulator[], seconds: number): number | null;
};

/** Typed by the accumulators of its measures. */
export function metric<const T extends readonly Accumulator[]>(
  definition: MetricBase & {
    of: { [K in keyof T]: Measure<T[K]> };
    value(counted: T, seconds: number): number | null;
  },
): MeasuredMetric {
  return { ...definition, source: "measured" };
}

export const BOTH_LEVELS: readonly RollupLevelS[] = [3600, 60];
export const HOURS_ONLY: readonly RollupLevelS[] = [3600];

export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
