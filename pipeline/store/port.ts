import type { Batch } from "#collectors/batch.ts";
import type { Positions, SourceId } from "#collectors/source.ts";

import type { StoreFilter, TimeRange } from "../filter.ts";
import type { Measure, RollupCell, RollupLevelS } from "../rollup.ts";

/** One log event as a flat ECS document: dotted field names. */
export type EventDocument = { id: EventId; fields: Record<string, unknown> };
/** `<source id>:<offset>`: the same for ever, wherever the event is stored. */
export type EventId = `${SourceId}:${number}`;

export type CellsRequest = TimeRange & {
  levelS: RollupLevelS;
  measures: readonly Measure[];
  /**
   * Width of the time buckets of the answer; undefined: the whole range as one. A multiple of the level. Buckets start
   * at multiples of it since 1970, so that the first may start before the range.
   */
  stepMs?: number;
  /** Only this dataset. */
  dataset?: string;
  /** Keep the keys apart (default), or add them up. */
  byKey?: boolean;
};
/** Cells merged over a bucket. `tMs` is the bucket's start (range start where no step was asked for). */
export type MergedCell = {
  tMs: number;
  dataset: string;
  measure: Measure;
  key: string;
  value: number;
  sketches: Uint8Array[];
};

/** What to count from the raw events. Each is an SQL-free description, so that every store can answer it. */
export type Aggregate =
  | { kind: "count" }
  | { kind: "sum"; field: string }
  /** Different combinations of the fields' values; events that have none of the fields do not count. */
  | { kind: "distinct"; fields: readonly string[] }
  /** Histogram of a number field in the buckets of the latency sketch; key is the bucket's number. */
  | { kind: "latency"; field: "event.duration" };

export type AggregateRequest = TimeRange & {
  aggregate: Aggregate;
  where: StoreFilter;
  /** Width of the time buckets, which start at multiples of it since 1970; undefined: the whole range as one. */
  stepMs?: number;
  /** Split by the values of this field: the `limit` most frequent, the others not in the answer. */
  by?: { field: string; limit: number };
};
/** `by` is null where no split was asked for or the field is absent; `bucket` only for latency. */
export type AggregateRow = {
  tMs: number;
  by: string | null;
  bucket: number | null;
  value: number;
};

export type SearchRequest = TimeRange & {
  where: StoreFilter;
  /** Newest first. */
  limit: number;
  /** Go on behind this event of an earlier answer. */
  after?: { tMs: number; id: EventId };
};

export type Extent = { dataset: string; rows: number; fromMs: number; toMs: number };

export type StoreStatus = {
  segments: number;
  rows: number;
  bytes: number;
  /** How many queries were answered since the store was opened: live tiles must not move this. */
  queries: number;
  /** What is wrong with what is kept (such as a file that cannot be read), for a person; empty when all is well. */
  problems: readonly string[];
};

/** For how many days the events of a dataset are kept. A dataset that is not in it is kept for ever. */
export type Retention = ReadonlyMap<string, number>;

/** How many events of each dataset are not shown; none that has no such. */
export type Skipped = ReadonlyMap<string, number>;

/** What was appended since the last time it was asked, by whichever process, in no order. */
export type Follower = {
  next(limit: number): Promise<{ events: EventDocument[]; skipped: Skipped }>;
};

/**
 * Keeps events, their rollups, and how far each source was read.
 * Contract (contract.ts holds every adapter to it): `append` is atomic and durable; what was appended is seen by
 * every later read in this process, and by readers in other processes soon; a field that no event has is null.
 */
export type EventStore = AsyncDisposable & {
  /** Keeps the batch's rows, the cells and the positions: all of them, or none. The batch may be reused after. */
  append(batch: Batch, cells: readonly RollupCell[], positions: Positions): Promise<void>;
  /** How far each source is kept. */
  positions(): Promise<Positions>;
  cells(request: CellsRequest): Promise<MergedCell[]>;
  aggregate(request: AggregateRequest): Promise<AggregateRow[]>;
  search(request: SearchRequest): Promise<EventDocument[]>;
  event(id: EventId): Promise<EventDocument | undefined>;
  /** The most frequent values of each field, most frequent first. */
  facets(
    request: TimeRange & { where: StoreFilter; fields: readonly string[]; limit: number },
  ): Promise<Map<string, { value: string; count: number }[]>>;
  /** What is there: rows and times of each dataset. Cheap. */
  extents(): Promise<Extent[]>;
  status(): Promise<StoreStatus>;
  /** Merges small segments into large ones; returns whether there was anything to do. */
  compact(): Promise<boolean>;
  /** Begins to follow what is appended from now on: each event is handed out, or counted as skipped, once. */
  follow(): Promise<Follower>;
  retention(): Promise<Retention>;
  /** Takes the place of what was set before, for every process that has this store open. */
  setRetention(retention: Retention): Promise<void>;
  /**
   * Removes events (and what was rolled up from them) of days, in UTC, that were over more than the dataset's days
   * before: an event is kept for those days, and gone a day later. Does a part of it; returns whether there was any.
   */
  expire(nowMs: number): Promise<boolean>;
};
