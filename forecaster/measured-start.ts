const HOUR_MS = 3_600_000;
/** A gap is a time of at least this long without events. */
const GAP_MS = 6 * HOUR_MS;
/** Events before a gap are odd if they are at most this many and this share of all, */
const ODD_EVENTS_MAX = 10;
const ODD_SHARE_MAX = 0.5;
/** and if this many were to be expected in the gap at the later rate. */
const MISSING_EVENTS_MIN = 20;

/**
 * The index from which on a history of counts was measured. Single old lines, and the time since, prove no measurement:
 * without this, one line of 1999 would make weeks of zeros of the time before the first real line.
 */
export function measuredStart(counts: readonly number[], stepMs: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const gapMin = Math.max(1, GAP_MS / stepMs);
  const oddMax = Math.min(ODD_EVENTS_MAX, ODD_SHARE_MAX * total);
  let start = 0;
  let before = 0;
  let empty = 0;
  for (const [at, count] of counts.entries()) {
    if (count === 0) {
      empty += 1;
      continue;
    }
    if (before > oddMax) break;
    const rate = (total - before) / (counts.length - at);
    if (empty >= gapMin && rate * empty >= MISSING_EVENTS_MIN) start = at;
    before += count;
    empty = 0;
  }
  return start;
}
