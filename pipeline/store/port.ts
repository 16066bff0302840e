import type { Batch } from "#collectors/batch.ts";
import type { Positions, SourceId } from "#collectors/source.ts";

import type { StoreFilter, TimeRange } from "../filter.ts";
import type { RollupCell, RollupLevelS } from "../rollup.ts";
import type { GaugeValues } from "../sketches/gauge.ts";

/** One log event as a flat ECS document: dotted field names. */
export type EventDocument = { id: EventId; fields: Record<string, unknown> };
/** `<source id>:<log.offset>`: never changes, wherever the event is stored. */
export type EventId = `${SourceId}:${number}`;

export type CellsRequest = TimeRange & {
  levelS: RollupLevelS;
  measures: readonly string[];
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
  measure: string;
  key: string;
  value: number;
  sketches: Uint8Array[];
};

/** What to count from the raw events. */
export type Aggregate =
  | { kind: "count" }
  | { kind: "sum"; field: string }
  /** The last value in time, the extremes, the sum and the number of values of a number field. */
  | { kind: "gauge"; field: string }
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
  /** For a gauge the number of values. */
  value: number;
  /** Only for gauges. */
  gauge?: GaugeValues;
};

export type SearchRequest = TimeRange & {
  where: StoreFilter;
  /** Newest first. */
  limit: number;
  /** Go on after this event of an earlier answer. */
  after?: { tMs: number; id: EventId };
};

export type FacetsRequest = TimeRange & {
  where: StoreFilter;
  fields: readonly string[];
  limit: number;
};
/** Of each field the most frequent values, most frequent first. */
export type Facets = Map<string, { value: string; count: number }[]>;

export type Extent = { dataset: string; rows: number; fromMs: number; toMs: number };

export type StoreStatus = {
  segments: number;
  rows: number;
  bytes: number;
  /** Queries answered since the store was opened: live tiles must not cause any. */
  queries: number;
  /** What is wrong with the stored data (such as a file that cannot be read), for a person. */
  problems: readonly string[];
};

/** For how many days the events of a dataset are kept. Other datasets are kept for ever. */
export type Retention = ReadonlyMap<string, number>;

/** How many events of each dataset are not shown, where there are any. */
export type Skipped = ReadonlyMap<string, number>;

/** What was appended since the last call, by whichever process, in no order. */
export type Follower = {
  next(limit: number): Promise<{ events: EventDocument[]; skipped: Skipped }>;
};

/**
 * Keeps what was read, together with how far each source was read. `append` is all or nothing and durable: positions
 * become visible last, so an adapter that cannot write in one step keeps invisible, or removes when it opens, what lacks
 * its positions.
 */
export type EventWriter = {
  /**
   * Keeps the batch's rows, the cells and the positions. The positions at which a batch ends are its identity: a batch
   * whose positions are all stored already is stored, so appending it again changes nothing, also after a restart. The
   * batch may be reused when this returns.
   * @throws AppError conflict when another process stored more of the same sources meanwhile
   */
  append(batch: Batch, cells: readonly RollupCell[], positions: Positions): Promise<void>;
};

export type PositionReader = {
  /** How far each source is stored. */
  positions(): Promise<Positions>;
};

/** Reads events. A field that no event has is null. */
export type EventReader = {
  search(request: SearchRequest): Promise<EventDocument[]>;
  event(id: EventId): Promise<EventDocument | undefined>;
  facets(request: FacetsRequest): Promise<Facets>;
  /** Exact, but for `distinct`, which may be off by 2 %. */
  aggregate(request: AggregateRequest): Promise<AggregateRow[]>;
  /** Rows and times of each dataset. Cheap. */
  extents(): Promise<Extent[]>;
  /** Begins to follow what is appended from now on: each event is handed out, or counted as skipped, once. */
  follow(): Promise<Follower>;
};

export type RollupReader = {
  cells(request: CellsRequest): Promise<MergedCell[]>;
};

/** What metrics are computed from. */
export type MetricReader = RollupReader & Pick<EventReader, "aggregate" | "extents">;

export type StoreMaintenance = {
  status(): Promise<StoreStatus>;
  /** Merges small files into large ones; returns whether there was anything to do. */
  compact(): Promise<boolean>;
  retention(): Promise<Retention>;
  /** Replaces the retention, for every process that has this store open. */
  setRetention(retention: Retention): Promise<void>;
  /**
   * Removes events (and their rollup cells) of days, in UTC, that ended more than the dataset's days ago: an event is
   * kept for those days, and removed a day later. Does a part of it; returns whether there was any.
   */
  expire(nowMs: number): Promise<boolean>;
  /** Deletes the store and everything in it, and closes it. */
  destroy(): Promise<void>;
};

/**
 * An event store. What was appended is seen by every later read in this process, and by readers in other processes soon.
 * contract.ts tests every adapter. Callers take the smallest of these types that they need.
 */
export type EventStore = AsyncDisposable &
  EventWriter &
  PositionReader &
  EventReader &
  RollupReader &
  StoreMaintenance;

/** The store that is in use now: a control plane may change from one to another while other processes run. */
export type CurrentStore = AsyncDisposable & {
  /** To be called for each request. */
  get(): Promise<EventStore>;
};
