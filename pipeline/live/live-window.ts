import type { Clock } from "#platform/clock.ts";

import { DatasetWindow } from "./dataset-window.ts";
import type { FrameDelta } from "./frame-delta.ts";
import type { LiveFrame } from "./frame.ts";

/** The window that all datasets are merged into. */
export const ALL_DATASETS = "*";

const DATASETS_MAX = 64;
const SNAPSHOT_S = 300;
/** What a viewer of a dataset sees that nothing came in for: one for all, as a window takes memory and time to make. */
const EMPTY = new DatasetWindow();

/**
 * The last hour, live: merges what the ingest adds to the one-second frames, and makes the message that every viewer
 * of a dataset gets. It asks no store, and its memory depends on the number of datasets, not on their rate.
 */
export class LiveWindow {
  readonly #clock: Clock;
  readonly #windows = new Map<string, DatasetWindow>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds rows; late and out-of-order ones change their own second. Too old or ahead of the clock: not live. */
  merge(delta: FrameDelta): void {
    const nowMs = this.#clock.nowMs();
    this.#open(ALL_DATASETS)?.merge(delta, nowMs);
    this.#open(delta.dataset)?.merge(delta, nowMs);
  }

  /** Adds the visitors of a minute that was kept in the store: after a start they are not new ones. */
  mergeVisitors(dataset: string, tMs: number, sketch: Uint8Array): void {
    this.#open(ALL_DATASETS)?.mergeVisitors(tMs, sketch);
    this.#open(dataset)?.mergeVisitors(tMs, sketch);
  }

  datasets(): string[] {
    return [...this.#windows.keys()].filter((dataset) => dataset !== ALL_DATASETS);
  }

  /** The next message for the viewers of a dataset: its `seconds` are those that changed since the last one. */
  frame(dataset: string): LiveFrame {
    const window = this.#windows.get(dataset);
    const changed = window ? window.takeChanged() : [];
    return (window ?? EMPTY).frame(dataset, this.#clock.nowMs(), changed);
  }

  /** The first message for a viewer who joins: the last five minutes, whatever others have been sent already. */
  snapshot(dataset: string): LiveFrame {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(dataset) ?? EMPTY;
    return window.frame(dataset, nowMs, window.recent(nowMs, SNAPSHOT_S));
  }

  /** Undefined when there are too many datasets: the rest are only in the window of all. */
  #open(dataset: string): DatasetWindow | undefined {
    let window = this.#windows.get(dataset);
    if (!window && this.#windows.size <= DATASETS_MAX) {
      this.#windows.set(dataset, (window = new DatasetWindow()));
    }
    return window;
  }
}
