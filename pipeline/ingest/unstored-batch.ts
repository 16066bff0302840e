import { setTimeout as delay } from "node:timers/promises";

import { Batch } from "#collectors/batch.ts";
import type { Position, SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { BatchProcessor } from "../processing/batch-processor.ts";
import type { DroppedByRule } from "../processing/event-dropper.ts";
import { AHEAD_MS_MAX } from "../time-range.ts";
import { DatasetLimit } from "./dataset-limit.ts";
import type { IngestDeps } from "./ingest-deps.ts";

/** A batch is stored when it has this many rows or bytes. */
const ROWS_MAX = 131_072;
const BYTES_MAX = 64 * 1024 * 1024;
/** Additional rows for the lines of the chunk that fills the batch. */
export const RESERVE_ROWS = 16_384;
const RECENT_MS = 5 * 60_000;
/** Short enough that storing goes on soon after a disk has space again. */
const RETRY_MS = { first: 500, max: 5_000 };

type Deps = Pick<
  IngestDeps,
  | "store"
  | "clock"
  | "rules"
  | "processing"
  | "salt"
  | "learner"
  | "onFrames"
  | "onRows"
  | "onStoreError"
>;

/** The rows that were read and are not stored yet, with the positions after them. */
export class UnstoredBatch {
  readonly batch = new Batch(ROWS_MAX + RESERVE_ROWS);
  readonly datasets: DatasetLimit;
  readonly positions = new Map<SourceId, Position>();
  bytes = 0;
  /** The time at which the first of the rows was read. */
  sinceMs: number | undefined;
  readonly #deps: Deps;
  readonly #processor: BatchProcessor;
  readonly #frames: FrameAccumulator;
  /** Rows that are in frames and rollup cells: they must not be changed. */
  foldedRows = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.datasets = new DatasetLimit(this.batch, deps);
    this.#processor = new BatchProcessor(this.batch, deps);
    this.#frames = new FrameAccumulator(this.batch, deps.clock);
  }

  get isFull(): boolean {
    return this.batch.rows >= ROWS_MAX || this.bytes >= BYTES_MAX;
  }

  /** The number of rows of the last minutes. */
  recentRows(nowMs: number): number {
    const times = this.batch.number("@timestamp").values;
    let recent = 0;
    for (let row = 0; row < this.batch.rows; row += 1) {
      const agoMs = nowMs - (times[row] ?? Number.NaN);
      if (agoMs < RECENT_MS && agoMs > -AHEAD_MS_MAX) recent += 1;
    }
    return recent;
  }

  /** Derives the fields of the new rows, and adds them to frames and rollup cells. */
  fold(): void {
    const from = this.foldedRows;
    if (this.batch.rows === from) return;
    this.datasets.apply(from, this.batch.rows);
    this.#processor.process(from);
    const { rows } = this.batch;
    if (rows === from) return;
    const deltas = this.#frames.fold(from, rows, this.#deps.onFrames !== undefined);
    this.#deps.onFrames?.(deltas);
    this.#deps.onRows?.(this.batch, from, rows);
    this.foldedRows = rows;
  }

  /** The numbers of events that rules dropped since the last call. */
  takeDropped(): ReadonlyMap<SourceId, DroppedByRule> {
    return this.#processor.takeDropped();
  }

  /** How many secrets were redacted, by kind and dataset. */
  get redacted(): Readonly<Record<string, number>> {
    return this.#processor.redacted;
  }

  /** Stores everything and empties the batch; false if there was nothing. `confirm` is the method of the source. */
  async store(signal: AbortSignal, confirm: () => Promise<void>): Promise<boolean> {
    if (this.positions.size === 0) return false;
    this.fold();
    const cells = this.#frames.takeCells();
    this.#processor.erase();
    for (let waitMs = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.max)) {
      await confirm();
      try {
        await this.#deps.store.append(this.batch, cells, this.positions);
        break;
      } catch (error) {
        const isFinal = error instanceof AppError && error.code === "conflict";
        if (!this.#deps.onStoreError || signal.aborted || isFinal) throw error;
        this.#deps.onStoreError(error, waitMs);
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
    this.batch.reset();
    this.#processor.reset();
    this.#frames.reset();
    this.positions.clear();
    this.foldedRows = 0;
    this.bytes = 0;
    this.sinceMs = undefined;
    await this.datasets.reset();
    return true;
  }
}
