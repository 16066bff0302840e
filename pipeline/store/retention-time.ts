const DAY_MS = 86_400_000;

/** A clock that has moved by no more than this, as over a long weekend without the program, needs no confirmation. */
const PAUSE_MS_MAX = 3 * DAY_MS;
/** A clock that has moved by more is confirmed when the store was in use with it for this long. */
const CONFIRMED_AFTER_MS = DAY_MS;
/** Retention time catches up with the clock by this many hours for each hour in which the store is in use. */
const CATCH_UP = 24;
/** Share of the events up to whose time a store counts as used: a few events may have wrong times. */
const BULK_SHARE = 0.999;

/**
 * The time by which the events of a store expire. It follows the clock of the machine, which may be wrong: one start
 * with a clock that is a year ahead must not delete a year of events. So it moves by a limited amount for each hour of
 * use, measured with the monotonic clock; and after the clock has moved by days it stands still until that clock is
 * confirmed, by a day of use or by a person.
 */
export type RetentionTime = {
  /** Epoch ms. */
  atMs: number;
  /** For how long the store has been in use while the clock differed by more than PAUSE_MS_MAX. */
  deviatingMs: number;
};

const differs = ({ atMs }: RetentionTime, nowMs: number): boolean =>
  Math.abs(nowMs - atMs) > PAUSE_MS_MAX;

/** `elapsedMs`: time in use since `before`. */
export function advance(
  before: RetentionTime,
  { nowMs, elapsedMs }: { nowMs: number; elapsedMs: number },
): RetentionTime {
  const aheadMs = nowMs - before.atMs;
  const isDeviating = differs(before, nowMs);
  const deviatingMs = isDeviating ? before.deviatingMs + elapsedMs : 0;
  if (isDeviating && deviatingMs < CONFIRMED_AFTER_MS) return { atMs: before.atMs, deviatingMs };
  if (aheadMs < 0) return { atMs: isDeviating ? nowMs : before.atMs, deviatingMs };
  return { atMs: before.atMs + Math.min(aheadMs, elapsedMs * CATCH_UP), deviatingMs };
}

/** The retention time of a store that has none yet: its newest events are the second opinion about the clock. */
export function firstTime(nowMs: number, newestMs: number | undefined): RetentionTime {
  const isBelievable = newestMs === undefined || nowMs - newestMs <= PAUSE_MS_MAX;
  return { atMs: isBelievable ? nowMs : newestMs, deviatingMs: 0 };
}

/** The time up to which nearly all of these events lie; undefined without events. */
export function newestOfMost(
  extents: readonly { rows: number; toMs: number }[],
): number | undefined {
  const total = extents.reduce((sum, { rows }) => sum + rows, 0);
  let counted = 0;
  for (const { rows, toMs } of extents.toSorted((a, b) => a.toMs - b.toMs)) {
    counted += rows;
    if (counted >= total * BULK_SHARE) return toMs;
  }
  return undefined;
}

/**
 * For people, while events are kept that would have expired by the clock; undefined after a pause so short that they
 * are removed within hours.
 */
export function heldBackText(time: RetentionTime, nowMs: number): string | undefined {
  if (!differs(time, nowMs)) return undefined;
  const days = Math.floor((nowMs - time.atMs) / DAY_MS);
  const when = new Date(time.atMs).toISOString().slice(0, 10);
  const next =
    time.deviatingMs < CONFIRMED_AFTER_MS
      ? "Nothing more is deleted until the program has run for a day with this clock"
      : "One day of events is deleted per hour";
  return (
    `The clock of this machine is ${days} days ahead of ${when}, up to which this store is known to have been in use, so ` +
    `expired events are kept for now. ${next}`
  );
}
