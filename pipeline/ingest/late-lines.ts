import type { Batch } from "#collectors/batch.ts";

import { duration } from "./ahead-lines.ts";

const MINUTE_MS = 60_000;
const NS_PER_MS = 1e6;
/** Programs buffer lines for minutes; zones differ by half an hour at least. */
const LATE_MS_MIN = 25 * MINUTE_MS;
/** A wrong zone delays all lines equally; the times of an old log that is appended differ more. */
const SPREAD_MS_MAX = 25 * MINUTE_MS;

/** Recognises a followed log whose new lines have times of hours ago, as a wrong zone or clock causes. */
export class LateLines {
  /** How long before they were written the times of the latest lines are. */
  #leastMs = Number.NaN;
  #mostMs = Number.NaN;
  #writtenMs = Number.NaN;

  /** Examines the rows in [from, to), whose last line was written at this time, epoch ms. */
  add(batch: Batch, { from, to }: { from: number; to: number }, writtenMs = Number.NaN): void {
    if (Number.isNaN(writtenMs) || to <= from) return;
    const times = batch.number("@timestamp").values;
    const durations = batch.number("event.duration").values;
    let newestMs = Number.NEGATIVE_INFINITY;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (let row = from; row < to; row += 1) {
      // Some programs log when a request began.
      const endMs = (times[row] ?? Number.NaN) + (durations[row] || 0) / NS_PER_MS;
      if (endMs > newestMs) newestMs = endMs;
      if (endMs < oldestMs) oldestMs = endMs;
    }
    const isSameWrite = writtenMs === this.#writtenMs;
    this.#writtenMs = writtenMs;
    this.#include(writtenMs - newestMs, writtenMs - oldestMs, isSameWrite);
  }

  /** Lines whose delay is another than that of the lines before replace them, unless they were written together. */
  #include(leastMs: number, mostMs: number, isSameWrite: boolean): void {
    const isNear = leastMs < this.#mostMs + SPREAD_MS_MAX && mostMs > this.#leastMs - SPREAD_MS_MAX;
    const isLate = leastMs >= LATE_MS_MIN && this.#leastMs >= LATE_MS_MIN;
    const isMore = isSameWrite || (isNear && isLate);
    this.#leastMs = isMore ? Math.min(leastMs, this.#leastMs) : leastMs;
    this.#mostMs = isMore ? Math.max(mostMs, this.#mostMs) : mostMs;
  }

  /** Message for people; undefined unless the latest lines are late, all equally. */
  get note(): string | undefined {
    const isLate = this.#leastMs >= LATE_MS_MIN;
    if (!isLate || this.#mostMs - this.#leastMs > SPREAD_MS_MAX) return undefined;
    return (
      `lines have times of ${duration(this.#leastMs)} before they are written: the clock or the time zone of the ` +
      "host that writes them may be wrong, or that in which times without a zone are read (QUARTERDECK_TIMEZONE)"
    );
  }
}
