import type { LiveFrame } from "#dashboards/api.ts";

type Second = LiveFrame["seconds"][number];

/** Half a minute of frames that each correct a late second. */
const SECONDS_MAX = 600;

/**
 * What a viewer missed because its frames were dropped. Everything in a frame is a current value except its seconds,
 * which no later frame repeats; as they are absolute, the last value of each replaces all frames before.
 */
export class MissedFrames {
  readonly #seconds = new Map<number, Second>();

  /** Whether so much was missed that the board must be loaded again. */
  isTooMuch = false;

  add({ seconds }: LiveFrame): void {
    for (const second of seconds) this.#seconds.set(second.tMs, second);
    if (this.#seconds.size <= SECONDS_MAX) return;
    this.isTooMuch = true;
    this.#seconds.clear();
  }

  /** The frame with the missed seconds. */
  joinedWith(frame: LiveFrame): LiveFrame {
    const seconds = new Map(this.#seconds);
    for (const second of frame.seconds) seconds.set(second.tMs, second);
    return { ...frame, seconds: [...seconds.values()].toSorted((a, b) => a.tMs - b.tMs) };
  }
}
