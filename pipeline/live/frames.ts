import type { Batch } from "#collectors/batch.ts";
import { type Clock, systemClock } from "#platform/clock.ts";

import type { RollupCell } from "../rollup.ts";
import { CellFold } from "./cell-fold.ts";
import { type FrameDelta, LiveFold } from "./frame-delta.ts";
import { RowReader } from "./row-reader.ts";

export type { FrameDelta } from "./frame-delta.ts";

/**
 * Folds the derived rows of a batch, each once, into live frames and into rollup cells. The usual order is
 * fold, fold, …, takeCells, and after the batch was reset, reset.
 */
export class FrameAccumulator {
  readonly #reader: RowReader;
  readonly #cells: CellFold;
  readonly #clock: Clock;

  constructor(batch: Batch, clock: Clock) {
    this.#reader = new RowReader(batch);
    this.#cells = new CellFold(this.#reader);
    this.#clock = clock;
  }

  /**
   * Folds the rows in [fromRow, toRow). With `live` it returns what they add to the live frames, one delta a
   * dataset; rows older than an hour or ahead of the clock add nothing there, but count in the cells.
   */
  fold(fromRow: number, toRow: number, live: boolean): FrameDelta[] {
    const reader = this.#reader;
    const frames = live ? new LiveFold(reader) : undefined;
    const nowS = Math.floor(this.#clock.nowMs() / 1000);
    reader.prepare();
    for (let row = fromRow; row < toRow; row += 1) {
      reader.read(row);
      if (Number.isNaN(reader.second)) continue;
      this.#cells.add();
      frames?.add(nowS);
    }
    return frames ? frames.deltas() : [];
  }

  /** The cells of a minute and of an hour that were folded since the last call, as increments to add up. */
  takeCells(): RollupCell[] {
    return this.#cells.take();
  }

  /** Must be called after the batch was reset, and before it is folded again. */
  reset(): void {
    this.#reader.reset();
  }
}

export function openFrameAccumulator(batch: Batch, clock: Clock = systemClock): FrameAccumulator {
  return new FrameAccumulator(batch, clock);
}
