import type { Batch } from "#collectors/batch.ts";
import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import type { RouteLearner } from "#collectors/derive/route-learner.ts";
import type { UnitOfField } from "#collectors/duration-rules.ts";
import type { Format } from "#collectors/format.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import type { StoreFilter } from "../filter.ts";
import { FrameAccumulator } from "../fold/accumulator.ts";
import { BatchProcessor } from "../processing/batch-processor.ts";
import type { Processing } from "../processing/processing.ts";
import type { Salt } from "../processing/salt.ts";
import type { RollupCell } from "../rollup.ts";
import type { EventReader, EventRewriter, PositionReader, RewriteProgress } from "../store/port.ts";
import { DatasetLimit } from "./dataset-limit.ts";
import { QUARANTINE_DATASET } from "./quarantine.ts";
import { areSame, LineReader } from "./reread-rows.ts";
import { type ReadingDeps, RowReadings } from "./row-readings.ts";

export type ReprocessDeps = {
  store: EventRewriter & PositionReader & Pick<EventReader, "extents">;
  clock: Clock;
  rules: DeriveRules;
  /** Time zone of log times without a zone. */
  zone: Zone;
  /** What numbers without a unit mean. Absent: it is decided by their size. */
  unitOf?: UnitOfField;
  /** What happens to events before they are stored. Absent: nothing. */
  processing?: Processing;
  /** Required for rules that hash. */
  salt?: Salt;
  /** Absent: routes are not learnt. */
  learner?: RouteLearner;
};

export type ReprocessRequest = {
  /** Which events are read again. Default: the quarantined lines. */
  events?: StoreFilter;
  /**
   * Default: the format that is chosen for the source or the path, otherwise the one that has read the event; for events that
   * none has read, those of the stream, the one that is detected in them, and all others.
   */
  format?: Format;
  /** The format that is chosen for the source of the events: tried before others. */
  preferred?: Format | undefined;
  /** Only lines that were read at this path, in which `*` stands for any text. */
  path?: string;
  /** Only lines since this time, epoch ms. The time of a line without one is that of the line before it. */
  fromMs?: number;
  onProgress?: (progress: RewriteProgress) => void;
};

export type Reprocessed = {
  /** Number of events whose line was to be read again. */
  lines: number;
  /** Number of those that were changed, by the dataset that they have now. */
  events: Map<string, number>;
  /** Number of those that were read, and are the same as before. */
  same: number;
  /** Number of those that could not be read and are left as they were, by reason. */
  left: Map<string, number>;
};

const QUARANTINED: StoreFilter = [
  { field: "data_stream.dataset", op: "eq", value: QUARANTINE_DATASET },
];

/**
 * Reads the original lines of stored events again. Those that a format can parse become the events that they would be if they
 * were read now, with the same source and offset; the others are left as they are.
 */
export async function reprocess(
  deps: ReprocessDeps,
  { events = QUARANTINED, path, fromMs, onProgress, ...how }: ReprocessRequest,
): Promise<Reprocessed> {
  const positions = await deps.store.positions();
  const done: Reprocessed = { lines: 0, events: new Map(), same: 0, left: new Map() };
  const where: StoreFilter =
    path === undefined ? events : [...events, { field: "log.file.path", op: "like", value: path }];
  await deps.store.rewrite({ where, fromMs, onProgress }, (batch) => {
    const rows = new ReprocessedRows(batch, { ...deps, ...how, positions });
    return (chosen) => rows.reprocess(chosen, done);
  });
  return done;
}

type RowsDeps = ReadingDeps &
  Pick<ReprocessDeps, "clock" | "rules" | "zone" | "processing" | "salt" | "learner"> & {
    store: Pick<EventReader, "extents">;
  };

/** The stored events in a batch, which is filled again and again. */
class ReprocessedRows {
  readonly #batch: Batch;
  readonly #clock: Clock;
  readonly #reader: LineReader;
  readonly #readings: RowReadings;
  readonly #datasets: DatasetLimit;
  readonly #processor: BatchProcessor;
  readonly #frames: FrameAccumulator;
  #datasetsRead: Promise<void> | undefined;

  constructor(batch: Batch, deps: RowsDeps) {
    const { clock, zone } = deps;
    const { trustedProxies, cloudFrontFields } = deps.rules;
    this.#batch = batch;
    this.#clock = clock;
    const context = { zone, nowMs: clock.nowMs(), trustedProxies, cloudFrontFields };
    this.#reader = new LineReader(batch, context);
    this.#datasets = new DatasetLimit(batch, deps);
    // Stored events are not dropped.
    const processing = deps.processing && { ...deps.processing, drop: [], sample: [] };
    this.#processor = new BatchProcessor(batch, { ...deps, processing });
    const process = (fromRow: number): void => this.#processor.process(fromRow);
    this.#readings = new RowReadings(batch, { ...deps, reader: this.#reader, process });
    this.#frames = new FrameAccumulator(batch, clock);
  }

  async reprocess(
    chosen: readonly number[],
    done: Reprocessed,
  ): Promise<{ changed: number; cells: RollupCell[] }> {
    await (this.#datasetsRead ??= this.#datasets.read());
    await this.#datasets.reset();
    this.#processor.reset();
    this.#frames.reset();
    this.#reader.context.nowMs = this.#clock.nowMs();
    const changed = this.#reread(chosen, done);
    this.#processor.erase();
    this.#frames.fold(0, this.#batch.rows, false);
    return { changed, cells: this.#frames.takeCells() };
  }

  /** Replaces the rows whose event is another one now, and returns their number. */
  #reread(chosen: readonly number[], done: Reprocessed): number {
    const batch = this.#batch;
    const first = batch.rows;
    /** The rows that are read again, in the order of the rows that were added for them. */
    const read: number[] = [];
    this.#readings.each(chosen, (row, reading) => {
      const left = typeof reading === "string" ? reading : this.#reader.read(row, reading);
      if (left === undefined) read.push(row);
      else done.left.set(left, (done.left.get(left) ?? 0) + 1);
    });
    this.#datasets.apply(first, batch.rows);
    this.#processor.process(first);
    const replaced = new Set<number>();
    const added: number[] = [];
    const datasets = batch.text("data_stream.dataset");
    for (const [i, row] of read.entries()) {
      if (areSame(batch, row, first + i)) continue;
      replaced.add(row);
      added.push(first + i);
      const dataset = datasets.text(datasets.ids[first + i] ?? 0);
      done.events.set(dataset, (done.events.get(dataset) ?? 0) + 1);
    }
    done.lines += chosen.length;
    done.same += read.length - added.length;
    const kept = Array.from({ length: first }, (_, row) => row).filter((row) => !replaced.has(row));
    batch.keep(0, Uint32Array.from([...kept, ...added]));
    // The values of replaced events may be secrets that are redacted now.
    if (replaced.size > 0) batch.eraseUnused();
    return added.length;
  }
}
