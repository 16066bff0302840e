import type { Clock } from "#platform/clock.ts";

import type { Measure } from "../measures/measure.ts";
import { DatasetWindow } from "./dataset-window.ts";
import type { LiveFrame } from "./frame.ts";
import type { FrameDelta } from "./live-part.ts";

const DATASETS_MAX = 64;
const SNAPSHOT_S = 300;
/** The window of datasets without events: one for all, as a window takes memory and time to make. */
const EMPTY = new DatasetWindow();

/**
 * The last hour, live: merges deltas of the ingest and makes the message that every viewer of a dataset gets, without
 * a query to the store. Its memory depends on the number of datasets, not on their rate.
 */
export class LiveWindow {
  readonly #clock: Clock;
  readonly #windows = new Map<string, DatasetWindow>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a delta; late events change their own second. Events that are too old or ahead of the clock are not live. */
  merge(delta: FrameDelta): void {
    this.#open(delta.dataset)?.merge(delta, this.#clock.nowMs());
  }

  /** Adds a stored sketch from before this process started, such as the visitors of a minute. */
  mergeSketch(measure: Measure, at: { dataset: string; tMs: number }, sketch: Uint8Array): void {
    this.#open(at.dataset)?.mergeSketch(measure.name, Math.floor(at.tMs / 1000), sketch);
  }

  datasets(): string[] {
    return [...this.#windows.keys()];
  }

  /** The next message for the viewers of a dataset: its `seconds` are those that changed since the last one. */
  frame(dataset: string): LiveFrame {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(dataset) ?? EMPTY;
    return window.frame(dataset, nowMs, window.takeChanged(nowMs));
  }

  /** The first message for a viewer who joins: the last five minutes, regardless of what others were sent. */
  snapshot(dataset: string): LiveFrame {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(dataset) ?? EMPTY;
    return window.frame(dataset, nowMs, window.recent(nowMs, SNAPSHOT_S));
  }

  /** Undefined when there are too many datasets: the others are not live. */
  #open(dataset: string): DatasetWindow | undefined {
    let window = this.#windows.get(dataset);
    if (!window && this.#windows.size < DATASETS_MAX) {
      this.#windows.set(dataset, (window = new DatasetWindow()));
    }
    return window;
  }
}
