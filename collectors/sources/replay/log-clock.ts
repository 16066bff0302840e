/** Number of lines on either side with which a time is compared. */
const NEIGHBOURS = 4;
/**
 * A line that differs from its neighbours by more than this has a wrong time; a log whose time goes back by more was
 * concatenated, or the clock of its machine was changed.
 */
const JUMP_MS_MAX = 5 * 60_000;

/** The time in a log, line by line: monotonic, and not affected by single wrong times. */
export class LogClock {
  #firstMs: number | undefined;
  #newestMs = 0;
  /** Sum of all backward jumps, added so that the replay continues without them. */
  #shiftMs = 0;

  /**
   * The time of each line after the log's first line, in ms of the log. `times` has the lines' own times, NaN
   * for lines without one, and also includes neighbouring lines.
   */
  elapsed(times: Float64Array): { elapsedMs: Float64Array; shiftMs: Float64Array } {
    const steady = smooth(times);
    const elapsedMs = new Float64Array(times.length);
    const shiftMs = new Float64Array(times.length);
    for (const [index, timeMs] of steady.entries()) {
      if (!Number.isNaN(timeMs)) this.#advance(timeMs);
      elapsedMs[index] = this.#newestMs + this.#shiftMs - (this.#firstMs ?? 0);
      shiftMs[index] = this.#shiftMs - (this.#firstMs ?? 0);
    }
    return { elapsedMs, shiftMs };
  }

  #advance(timeMs: number): void {
    if (this.#firstMs === undefined) {
      this.#firstMs = timeMs;
      this.#newestMs = timeMs;
    } else if (timeMs < this.#newestMs - JUMP_MS_MAX) {
      this.#shiftMs += this.#newestMs - timeMs;
      this.#newestMs = timeMs;
    } else {
      this.#newestMs = Math.max(this.#newestMs, timeMs);
    }
  }
}

/**
 * Replaces each time that is far from the median of its neighbours by the median (a Hampel filter with a fixed bound);
 * lines without a time are left unchanged.
 */
function smooth(times: Float64Array): Float64Array {
  const known: number[] = [];
  const rows: number[] = [];
  for (const [row, timeMs] of times.entries()) {
    if (Number.isNaN(timeMs)) continue;
    known.push(timeMs);
    rows.push(row);
  }
  const steady = new Float64Array(times.length).fill(Number.NaN);
  for (const [index, row] of rows.entries()) {
    const own = known[index] ?? Number.NaN;
    const median = medianAround(known, index);
    steady[row] = Math.abs(own - median) <= JUMP_MS_MAX ? own : median;
  }
  return steady;
}

/** The median time of a line and its neighbours: equally many on each side, fewer at the ends, but at least one. */
function medianAround(times: readonly number[], index: number): number {
  const last = times.length - 1;
  const reach = Math.min(NEIGHBOURS, Math.max(1, index), Math.max(1, last - index));
  const around = times.slice(Math.max(0, index - reach), index + reach + 1).toSorted(byNumber);
  return around[Math.floor((around.length - 1) / 2)] ?? Number.NaN;
}

function byNumber(a: number, b: number): number {
  return a - b;
}
