import { AHEAD_MS_MAX } from "../time-range.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Counts the lines of a stream whose times are ahead of the clock. */
export class AheadLines {
  #lines = 0;
  #newestMs = Number.NEGATIVE_INFINITY;

  /** Counts those among the rows in [from, to). */
  count(times: Float64Array, { from, to }: { from: number; to: number }, nowMs: number): void {
    const endMs = nowMs + AHEAD_MS_MAX;
    for (let row = from; row < to; row += 1) {
      const time = times[row] ?? Number.NaN;
      if (!(time > endMs)) continue;
      this.#lines += 1;
      if (time > this.#newestMs) this.#newestMs = time;
    }
  }

  /** Message for people; undefined if there are none, or if the clock has reached their times. */
  note(nowMs: number): string | undefined {
    const aheadMs = this.#newestMs - nowMs;
    if (aheadMs <= AHEAD_MS_MAX) return undefined;
    const lines = this.#lines === 1 ? "1 line is" : `${this.#lines} lines are up to`;
    return (
      `${lines} ${duration(aheadMs)} in the future: the clock or the time zone of the host that wrote ` +
      `${this.#lines === 1 ? "it" : "them"} may be wrong`
    );
  }
}

export function duration(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}
