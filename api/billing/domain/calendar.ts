export const INTERVALS = ["month", "year"] as const;
export type Interval = (typeof INTERVALS)[number];

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Periods begin and end at whole seconds. */
export const wholeSecond = (ms: number): number => ms - (ms % SECOND_MS);

export const addDays = (ms: number, days: number): number => ms + days * DAY_MS;

/**
 * So many months later in UTC, at the same time of the same day, or of the month's last day where it has no such day.
 * Counted from the anchor each time, a subscription of 31 January renews on 28 (29) February and on 31 March.
 */
export function addMonths(anchorMs: number, months: number): number {
  const anchor = new Date(anchorMs);
  const month = anchor.getUTCMonth() + months;
  const year = anchor.getUTCFullYear();
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const later = new Date(anchorMs);
  later.setUTCFullYear(year, month, Math.min(anchor.getUTCDate(), lastDay));
  return later.getTime();
}

const MONTHS: Record<Interval, number> = { month: 1, year: 12 };

export type Period = { startMs: number; endMs: number };

/** The period number `index` (0 is the first) from an anchor: it ends where the next one begins. */
export function periodAt(anchorMs: number, interval: Interval, index: number): Period {
  const months = MONTHS[interval];
  return {
    startMs: addMonths(anchorMs, index * months),
    endMs: addMonths(anchorMs, (index + 1) * months),
  };
}
