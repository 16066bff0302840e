import type { Batch } from "#collectors/batch.ts";
import { type Clock, systemClock } from "#platform/clock.ts";

import type { FrameDelta, LivePart } from "../live/live-part.ts";
import { MEASURES } from "../measures/index.ts";
import type { RowFold } from "../measures/measure.ts";
import type { RollupCell } from "../rollup.ts";
import { LiveSlots } from "./live-slots.ts";
import { BLOCK_ROWS, BlockReader } from "./row-block.ts";

/**
 * Folds the derived rows of a batch, each once, into live frames and rollup cells. It folds block by block, and each
 * block measure by measure, so that the loop of each measure stays monomorphic. The usual order is fold, fold, …,
 * takeCells, and reset after the batch was reset.
 */
export class FrameAccumulator {
  readonly #reader: BlockReader;
  readonly #folds: readonly RowFold[];
  readonly #clock: Clock;

  constructor(batch: Batch, clock: Clock = systemClock) {
    this.#reader = new BlockReader(batch);
    this.#folds = MEASURES.flatMap(({ folds = [] }) => folds.map((open) => open(batch)));
    this.#clock = clock;
  }

  /**
   * Folds the rows in [fromRow, toRow). With `live` it returns their increments of the live frames, one delta per
   * dataset; rows older than an hour or ahead of the clock only count in the cells.
   */
  fold(fromRow: number, toRow: number, live: boolean): FrameDelta[] {
    const slots = live ? new LiveSlots(Math.floor(this.#clock.nowMs() / 1000)) : undefined;
    this.#reader.prepare();
    for (const fold of this.#folds) fold.prepare?.();
    for (let first = fromRow; first < toRow; first += BLOCK_ROWS) {
      const block = this.#reader.read(first, Math.min(first + BLOCK_ROWS, toRow), slots);
      const isLive = block.liveRequestCount + block.liveOtherCount > 0;
      for (const fold of this.#folds) {
        fold.add?.(block);
        if (slots && isLive) fold.addLive?.(block, slots.nowS);
      }
    }
    return slots ? this.#deltas(slots) : [];
  }

  /** The cells by minute and hour that were folded since the last call, as increments. */
  takeCells(): RollupCell[] {
    const { spans } = this.#reader;
    const cells = this.#folds.flatMap((fold) => fold.takeCells?.(spans.all) ?? []);
    spans.clear();
    return cells;
  }

  /** Must be called after the batch was reset, and before it is folded again. */
  reset(): void {
    this.#reader.reset();
    for (const fold of this.#folds) fold.reset?.();
  }

  #deltas(slots: LiveSlots): FrameDelta[] {
    if (slots.datasets.length === 0) return [];
    const taken = this.#folds.map((fold) => ({ name: fold.name, parts: fold.takeLive?.(slots) }));
    return slots.datasets.map(({ dataset, seconds }, index) => {
      const parts: Record<string, LivePart> = {};
      for (const { name, parts: byDataset } of taken) {
        const part = byDataset?.[index];
        if (part && part.numbers.length > 0) parts[name] = part;
      }
      return {
        dataset: this.#reader.datasetName(dataset),
        newestEventMs: seconds.reduce((newest, second) => Math.max(newest, second), 0) * 1000,
        seconds: Uint32Array.from(seconds),
        parts,
      };
    });
  }
}
