import type { Batch } from "#collectors/batch.ts";
import type { Positions, SourceId } from "#collectors/source.ts";

import type { StoreFilter, TimeRange } from "../filter.ts";
import type { RollupCell, RollupLevelS } from "../rollup.ts";
import type { GaugeValues } from "../sketches/gauge.ts";

/** One log event as a flat ECS document: dotted field names. */
export type EventDocument = { id: EventId; fields: Record<string, unknown> };
/** `<source id>:<log.offset>`: does not depend on where the event is stored. */
export type EventId = `${SourceId}:${number}`;

/** On whose behalf a question is asked. */
export type Asking = {
  /** Aborts when the answer is no longer awaited; the question is then ended. */
  signal?: AbortSignal;
  /** Questions of different askers take turns. */
  asker?: string;
};

export type CellsRequest = TimeRange & {
  levelS: RollupLevelS;
  measures: readonly string[];
  /**
   * Width of the time buckets of the answer, a multiple of the level. Default: one bucket for the whole range. Buckets
   * start at multiples of the width since 1970, so the first one may start before the range.
   */
  stepMs?: number;
  /** Reads only this dataset. */
  dataset?: string;
  /** Whether to return each key (default), or sum over the keys. */
  byKey?: boolean;
};
/** Cells merged over a bucket. `tMs` is the start of the bucket (without a step, of the range). */
export type MergedCell = {
  tMs: number;
  dataset: string;
  measure: string;
  key: string;
  value: number;
  sketches: Uint8Array[];
};

/** The measure to compute from the raw events. */
export type Aggregate =
  | { kind: "count" }
  | { kind: "sum"; field: string }
  /** The last value in time, the extremes, the sum and the number of values of a number field. */
  | { kind: "gauge"; field: string }
  /** The number of distinct combinations of the fields' values; events without any of the fields do not count. */
  | { kind: "distinct"; fields: readonly string[] }
  /** Histogram of a number field in the buckets of the latency sketch; key is the bucket's number. */
  | { kind: "latency"; field: "event.duration" };

export type AggregateRequest = TimeRange & {
  aggregate: Aggregate;
  where: StoreFilter;
  /** Width of the time buckets, which start at multiples of it since 1970. Default: one bucket for the whole range. */
  stepMs?: number;
  /** Split by the `limit` most frequent values of this field; the answer does not have other values. */
  by?: { field: string; limit: number };
};
/** `by` is null without a split or if the field is absent; `bucket` is only set for latency. */
export type AggregateRow = {
  tMs: number;
  by: string | null;
  bucket: number | null;
  /** The number of values, for a gauge. */
  value: number;
  /** Only for gauges. */
  gauge?: GaugeValues;
};

export type SearchRequest = TimeRange & {
  where: StoreFilter;
  /** Newest first, unless stated otherwise. */
  limit: number;
  /** Continue after this event of an earlier answer. */
  after?: { tMs: number; id: EventId };
};

/** The event `id` at `tMs`. `line` is null if it has no original line, and undefined if that is longer than 64 KiB. */
export type OriginalLine = { id: EventId; tMs: number; line: Uint8Array | null | undefined };

export type FacetsRequest = TimeRange & {
  where: StoreFilter;
  fields: readonly string[];
  limit: number;
};
/** The most frequent values of each field, most frequent first. */
export type Facets = Map<string, { value: string; count: number }[]>;

export type Extent = {
  dataset: string;
  rows: number;
  fromMs: number;
  toMs: number;
  /** Whether events may have several numbers in a field: rollups count each event by the first one. */
  hasNumberLists?: true;
};

/**
 * Stored events that cannot be read, by the times that they had: numbers over this range may be incomplete. `dataset` is
 * absent if it is unknown, or if the events are of several datasets.
 */
export type Hole = TimeRange & { dataset?: string; events: number };

export type StoreProblem = {
  /** Unchanged while the problem lasts, and the same in all processes that use the store. */
  id: string;
  /**
   * `file`: a stored file cannot be read. `repaired`: a file was damaged, and its content was computed again. `upkeep`:
   * merging or removing expired events fails. `clock`: expired events are not removed, because the clock may be wrong.
   * `space`: the disk is nearly full.
   */
  kind: "file" | "repaired" | "upkeep" | "clock" | "space";
  /** For people. */
  message: string;
};

export type StoreStatus = {
  segments: number;
  rows: number;
  bytes: number;
  /** Number of queries since the store was opened; live tiles must not cause any. */
  queries: number;
  problems: readonly StoreProblem[];
  /** Number of failed merges and removals of expired events since the store was opened. */
  upkeepFailures: number;
  holes: readonly Hole[];
};

/** Number of days for which the events of a dataset are kept. Other datasets are kept for ever. */
export type Retention = ReadonlyMap<string, number>;

/** Events that were removed because they are older than the `days` of their dataset's retention. */
export type Expired = TimeRange & { dataset: string; rows: number; days: number };

/** Number of skipped events by dataset, without zeros. */
export type Skipped = ReadonlyMap<string, number>;

/** Events that any process appended since the last call, unordered. */
export type Follower = {
  next(limit: number): Promise<{ events: EventDocument[]; skipped: Skipped }>;
};

/**
 * Stores rows together with the positions of their sources. `append` is atomic and durable: positions
 * become visible last, so an adapter that cannot write in one step hides, or removes when it is opened, rows without
 * their positions.
 */
export type EventWriter = {
  /**
   * Stores the batch's rows, the cells and the positions. A batch is identified by the positions at which it ends: a
   * batch whose positions are all stored is not stored again, also after a restart. The batch may be reused when this
   * returns.
   * @throws AppError conflict when another process has stored more of the same sources in the meantime
   */
  append(batch: Batch, cells: readonly RollupCell[], positions: Positions): Promise<void>;
};

/**
 * Changes the rows with these numbers in the batch, or replaces them by others with the same source and offset, in any order.
 * Returns how many it changed, and the cells of all rows of the batch.
 */
export type RewriteRows = (chosen: readonly number[]) => RewrittenRows | Promise<RewrittenRows>;
type RewrittenRows = { changed: number; cells: readonly RollupCell[] };
export type OpenRewrite = (batch: Batch) => RewriteRows;

/** How much of the stored events that may have to be rewritten was examined. */
export type RewriteProgress = { done: number; total: number };

export type RewriteRequest = {
  where: StoreFilter;
  /** Only events since this time, epoch ms. Default: all, also those without a time. */
  fromMs?: number | undefined;
  onProgress?: ((progress: RewriteProgress) => void) | undefined;
};

export type EventRewriter = {
  /**
   * Rewrites the matching events: they are read into a batch, some at a time, with all other events of their datasets, and
   * the function that `open` returned for the batch changes them. Changed events and their cells replace those that were
   * stored in one step, so that each event is stored once, also if the process is killed. Events that are appended meanwhile
   * may be left out.
   * @throws AppError unavailable while another process merges
   */
  rewrite(request: RewriteRequest, open: OpenRewrite): Promise<void>;
};

export type PositionReader = {
  /** The position up to which each source is stored, in the order in which they were stored. */
  positions(): Promise<Positions>;
};

/**
 * Reads events. A field that no event has is null. Every question ends in bounded time, with its answer or with an AppError
 * `unavailable` that states why: it took too long, its signal aborted, or the store was closed.
 */
export type EventReader = {
  /** Texts of more than 64 KiB are cut; `event` returns them whole. */
  search(request: SearchRequest & Asking): Promise<EventDocument[]>;
  event(id: EventId, asking?: Asking): Promise<EventDocument | undefined>;
  /** The original line of an event, byte for byte; null if it has none, undefined if there is no such event. */
  original(id: EventId, asking?: Asking): Promise<Uint8Array | null | undefined>;
  /** The original lines of the matching events, oldest first, so that lines of one log keep their order. */
  originals(request: SearchRequest & Asking): Promise<OriginalLine[]>;
  facets(request: FacetsRequest & Asking): Promise<Facets>;
  /** Exact, except `distinct`, which may be off by 2 %. */
  aggregate(request: AggregateRequest & Asking): Promise<AggregateRow[]>;
  /** Rows and times of each dataset. Cheap. */
  extents(): Promise<Extent[]>;
  /** Follows events appended from now on: each event is returned, or counted as skipped, once. */
  follow(): Promise<Follower>;
};

export type RollupReader = {
  cells(request: CellsRequest & Asking): Promise<MergedCell[]>;
};

/** The reads from which metrics are computed. */
export type MetricReader = RollupReader & Pick<EventReader, "aggregate" | "extents">;

export type StoreMaintenance = {
  status(): Promise<StoreStatus>;
  /** Looks for damage, which `status` reports from then on. Each call reads some data again. */
  examine(): Promise<void>;
  /** Repairs damage, or merges some small files into larger ones; returns whether there was anything to do. */
  compact(): Promise<boolean>;
  retention(): Promise<Retention>;
  /** Replaces the retention for all processes that use this store. */
  setRetention(retention: Retention): Promise<void>;
  /**
   * Removes events and their rollup cells of UTC days that ended more than the dataset's number of days ago: an event
   * is kept for that many days, and removed a day later. Each call does a part of the work and returns what it removed;
   * undefined if there was nothing to do. As the clock may be wrong, a time that is days ahead of the earlier ones
   * removes nothing until the store was in use for a day at this time, or until it is confirmed.
   */
  expire(nowMs: number): Promise<Expired[] | undefined>;
  /** The time by which events expire: earlier than `nowMs` if that is not confirmed. */
  expiryTime(nowMs: number): Promise<number>;
  /** Confirms that `nowMs` is the right time. @throws AppError unavailable while another process merges */
  confirmTime(nowMs: number): Promise<void>;
  /** Deletes the store and everything in it, and closes it. */
  destroy(): Promise<void>;
};

/**
 * An event store. Appended events are visible to every later read in this process, and soon to other processes.
 * contract.ts tests every adapter. Callers depend on the smallest of these types that they need.
 */
export type EventStore = AsyncDisposable &
  EventWriter &
  EventRewriter &
  PositionReader &
  EventReader &
  RollupReader &
  StoreMaintenance;

/** The store in use: a control plane may change to another one while other processes run. */
export type CurrentStore = AsyncDisposable & {
  /** To be called for each request. */
  get(): Promise<EventStore>;
};
