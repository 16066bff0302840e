import type { Clock } from "#platform/clock.ts";

import type { Measure } from "../measures/measure.ts";
import { DatasetWindow } from "./dataset-window.ts";
import type { LiveFrame } from "./frame.ts";
import type { FrameDelta } from "./live-part.ts";
import { LivePlaces } from "./live-places.ts";

/** Of more datasets the most active are live, because a window takes memory. */
const WINDOWS_MAX = 64;
const SNAPSHOT_S = 300;
/** The shared window of datasets without events, because creating a window takes memory and time. */
const EMPTY = new DatasetWindow();

/**
 * The live window of the last hour: merges deltas of the ingest and builds the message for all viewers of a dataset,
 * without a query to the store. Its memory depends on the number of datasets, not on their rate.
 */
export class LiveWindow {
  readonly #clock: Clock;
  readonly #windows = new Map<string, DatasetWindow>();
  readonly #places = new LivePlaces(WINDOWS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a delta. Late events change their own second; events that are too old or ahead of the clock are not live. */
  merge(delta: FrameDelta): void {
    this.#open(delta.dataset)?.merge(delta, this.#clock.nowMs());
  }

  /** Adds a stored sketch from before this process started, such as the visitors of a minute. */
  mergeSketch(measure: Measure, at: { dataset: string; tMs: number }, sketch: Uint8Array): void {
    const second = Math.floor(at.tMs / 1000);
    const nowS = Math.floor(this.#clock.nowMs() / 1000);
    this.#open(at.dataset)?.mergeSketch(measure.name, sketch, { second, nowS });
  }

  datasets(): string[] {
    return [...this.#windows.keys()];
  }

  /** The next message for the viewers of a dataset, with the seconds that changed since the last one. */
  frame(dataset: string): LiveFrame {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(dataset) ?? EMPTY;
    return window.frame(dataset, nowMs, window.takeChanged(nowMs));
  }

  /** The first message for a new viewer: the last five minutes, regardless of earlier messages. */
  snapshot(dataset: string): LiveFrame {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(dataset) ?? EMPTY;
    return window.frame(dataset, nowMs, window.recent(nowMs, SNAPSHOT_S));
  }

  /** Undefined if there are too many datasets that are more active. */
  #open(dataset: string): DatasetWindow | undefined {
    const nowS = Math.floor(this.#clock.nowMs() / 1000);
    const { isPlaced, removed } = this.#places.record(dataset, nowS);
    if (removed !== undefined) this.#windows.delete(removed);
    let window = this.#windows.get(dataset);
    if (!window && isPlaced) this.#windows.set(dataset, (window = new DatasetWindow()));
    return window;
  }
}
